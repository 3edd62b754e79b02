using FastCpt.Kernels;

namespace FastCpt.Engine.Checkpoints;

/// <summary>What a safetensors header says of one tensor: row-major, contiguous, little-endian.</summary>
public sealed class TensorEntry
{
    /// <param name="offset">Where the first byte is in its file; 0 for a tensor that is yet to be written.</param>
    /// <exception cref="ArgumentException">The byte count does not fit 64 bits, or a dimension is negative.</exception>
    public TensorEntry(string name, DType type, IReadOnlyList<long> shape, long offset = 0)
    {
        (Name, Type, Shape, Offset) = (name, type, shape, offset);
        if (!TryCount(shape, out long count) || count > long.MaxValue / type.Size())
            throw new ArgumentException($"'{name}' [{ShapeText}] has no size in 64 bits.", nameof(shape));
        ElementCount = count;
    }

    public string Name { get; }
    public DType Type { get; }
    public IReadOnlyList<long> Shape { get; }
    public long Offset { get; }
    public long ElementCount { get; }
    public long ByteCount => ElementCount * Type.Size();
    public string ShapeText => string.Join(", ", Shape);

    public override string ToString() => $"'{Name}' {Type} [{ShapeText}]";

    /// <summary>The product of the dimensions; false where that of the dimensions above 0 exceeds 64 bits.</summary>
    internal static bool TryCount(IReadOnlyList<long> shape, out long count)
    {
        count = 1;
        bool isEmpty = false;
        foreach (long size in shape)
        {
            if (size < 0)
                return false;
            isEmpty |= size == 0;
            if (size > 0)
            {
                if (count > long.MaxValue / size)
                    return false;
                count *= size;
            }
        }
        if (isEmpty)
            count = 0;
        return true;
    }
}
