using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Groups of 16 columns of a row; the last one is masked, so that nothing beyond the row is touched.</summary>
internal static unsafe class Row
{
    /// <summary>Columns col to col + 15, zeros from the row's end on.</summary>
    /// <param name="at">Element that the row starts at.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load<TElement>(void* x, long at, long col, long cols)
        where TElement : IElement =>
        col + 16 <= cols ? TElement.Load(x, at + col) : TElement.Load(x, at + col, (int)(cols - col));

    /// <summary>Writes columns col to col + 15, as far as the row goes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TElement>(Vector512<float> value, void* y, long at, long col, long cols)
        where TElement : IElement
    {
        if (col + 16 <= cols)
            TElement.Store(value, y, at + col);
        else
            TElement.Store(value, y, at + col, (int)(cols - col));
    }

    /// <summary>The value in columns within the row, zeros beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Within(Vector512<float> value, long col, long cols)
    {
        if (col + 16 <= cols)
            return value;
        Vector512<int> within = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create((int)(cols - col)));
        return Vector512.ConditionalSelect(within.AsSingle(), value, Vector512<float>.Zero);
    }
}

public sealed unsafe partial class CpuBackend
{
    /// <summary>Rows of so many columns that are worth a worker.</summary>
    private static long LeastRows(long cols) => Math.Max(1, LeastBlocks * ElementBlock / Math.Max(cols, 1));

    /// <summary>A small weight as F32: itself, or its values in the buffer.</summary>
    private static float* Widened(Tensor weight, float* buffer)
    {
        if (IsSingle(weight))
            return (float*)weight.Address;
        Cpu.Convert.Run<BrainElement, SingleElement>((void*)weight.Address, buffer, 0, weight.Length);
        return buffer;
    }
}
