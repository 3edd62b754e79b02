using System.Numerics;
using System.Runtime.InteropServices;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Looks for NaN and infinity in stored weights, which the format allows.</summary>
public static class FiniteCheck
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>The tensors that hold NaN or infinity, with how many such values.</summary>
    /// <param name="stop">Polled once per tensor.</param>
    public static IReadOnlyList<(TensorEntry Entry, long Count)> Find(TensorFolder folder, StopSignal? stop = null)
    {
        var found = new List<(TensorEntry, long)>();
        var chunk = new byte[ChunkBytes];
        foreach (TensorEntry entry in folder.Entries)
        {
            stop?.ThrowIfStopRequested("check of weights");
            long count = 0;
            for (long offset = 0; TensorFolder.IsFloating(entry.Type) && offset < entry.ByteCount; offset += ChunkBytes)
            {
                Span<byte> part = chunk.AsSpan(0, (int)Math.Min(ChunkBytes, entry.ByteCount - offset));
                folder.Read(entry.Name, offset, part);
                count += Count(entry.Type, part);
            }
            if (count > 0)
                found.Add((entry, count));
        }
        return found;
    }

    /// <summary>Refuses a folder that holds NaN or infinity.</summary>
    /// <exception cref="RunException">Exit code 4, NonFiniteWeights, with the first tensors.</exception>
    public static void Require(TensorFolder folder, StopSignal? stop = null)
    {
        IReadOnlyList<(TensorEntry Entry, long Count)> found = Find(folder, stop);
        if (found.Count > 0)
            throw SafeTensorsHeader.Refuse(folder.Path, SafeTensorsFault.NonFiniteWeights,
                $"{found.Count} tensors hold NaN or infinity, first "
                + string.Join(", ", found.Take(3).Select(f => $"{f.Entry} with {f.Count}")) + ".");
    }

    /// <summary>Values whose exponent bits are all ones.</summary>
    internal static long Count(DType type, ReadOnlySpan<byte> bytes) => type switch
    {
        DType.F64 => Count(MemoryMarshal.Cast<byte, ulong>(bytes), 0x7FF0_0000_0000_0000UL),
        DType.F32 => Count(MemoryMarshal.Cast<byte, uint>(bytes), 0x7F80_0000U),
        DType.BF16 => Count(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7F80),
        DType.F16 => Count(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7C00),
        _ => 0,
    };

    private static long Count<T>(ReadOnlySpan<T> values, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        long count = 0;
        var mask = new Vector<T>(exponent);
        ReadOnlySpan<Vector<T>> vectors = MemoryMarshal.Cast<T, Vector<T>>(values);
        for (int i = 0; i < vectors.Length; i++)
            if (Vector.EqualsAny(vectors[i] & mask, mask))
                count += CountEach(values.Slice(i * Vector<T>.Count, Vector<T>.Count), exponent);
        return count + CountEach(values[(vectors.Length * Vector<T>.Count)..], exponent);
    }

    private static long CountEach<T>(ReadOnlySpan<T> values, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        long count = 0;
        foreach (T value in values)
            if ((value & exponent) == exponent)
                count++;
        return count;
    }
}
