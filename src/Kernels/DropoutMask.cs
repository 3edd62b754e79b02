using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels;

/// <summary>Which elements a dropout keeps: the one layout of counters that every backend follows.</summary>
/// <remarks>
/// <para>The cipher's key is one Philox block of the stream's key (<see cref="Philox.Key"/> of the seed and stream
/// Dropout) over the counter (update low, update high, layer, 0), words 0 and 1.</para>
/// <para>The number of element (row, column) is word column mod 4 of the block with that key over the counter
/// (column / 4, head, row key low, row key high). It is kept when the number is at least rate · 2³². Attention's
/// probabilities have rows of each head, their columns being keys by place in the segment; other rows are of head 0.
/// </para>
/// </remarks>
internal readonly struct DropoutMask
{
    public DropoutMask(in DropoutKey key, float rate)
    {
        (uint stream0, uint stream1) = Philox.Key(key.Seed, RandomStream.Dropout);
        (Key0, Key1, _, _) = Philox.Block(
            stream0, stream1, (uint)key.Update, (uint)((ulong)key.Update >> 32), (uint)key.Layer, 0);
        Threshold = (uint)Math.Ceiling(rate * 4294967296.0);
        KeptScale = 1 / (1.0 - rate);
    }

    public uint Key0 { get; }

    public uint Key1 { get; }

    /// <summary>The least number that keeps.</summary>
    public uint Threshold { get; }

    /// <summary>What a kept element is multiplied by.</summary>
    public double KeptScale { get; }

    /// <summary>The numbers of columns 4 · quad to 4 · quad + 3.</summary>
    public (uint X0, uint X1, uint X2, uint X3) Numbers(long rowKey, long quad, int head = 0) =>
        Philox.Block(Key0, Key1, (uint)quad, (uint)head, (uint)rowKey, (uint)((ulong)rowKey >> 32));

    public bool Keeps(long rowKey, long column, int head = 0)
    {
        var (x0, x1, x2, x3) = Numbers(rowKey, column / 4, head);
        uint number = (column % 4) switch { 0 => x0, 1 => x1, 2 => x2, _ => x3 };
        return number >= Threshold;
    }
}
