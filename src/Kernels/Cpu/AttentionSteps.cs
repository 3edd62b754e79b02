using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastCpt.Kernels.Cpu;

/// <summary>What a step of attention's products is, and how operands become steps.</summary>
internal unsafe interface IAttentionSteps
{
    /// <summary>Places of the reduction in a step.</summary>
    static abstract int Places { get; }

    /// <summary>Writes 32 neighbouring places of a row of the left side.</summary>
    /// <param name="place">The first of them, even.</param>
    static abstract void StoreRow(Vector512<float> lower, Vector512<float> upper, float* row, int place);

    /// <summary>Writes two neighbouring places of 16 rows of the left side, or of 16 columns of the right.</summary>
    /// <param name="step">Where the step of the first place has these rows.</param>
    /// <param name="stride">Floats from step to step.</param>
    static abstract void StoreSteps(Vector512<float> first, Vector512<float> second, float* step, nint stride);
}

/// <summary>One place, as F32.</summary>
internal readonly unsafe struct SingleSteps : IAttentionSteps
{
    public static int Places => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRow(Vector512<float> lower, Vector512<float> upper, float* row, int place)
    {
        lower.Store(row + place);
        upper.Store(row + place + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSteps(Vector512<float> first, Vector512<float> second, float* step, nint stride)
    {
        if (stride < 16)
        {
            first.GetLower().Store(step); // The narrowest vectors have panels of 8 columns.
            second.GetLower().Store(step + stride);
            return;
        }

        first.Store(step);
        second.Store(step + stride);
    }
}

/// <summary>Two places, as BF16, the earlier one in the lower half. They exist only where AVX-512 does.</summary>
/// <remarks>Values are rounded to nearest, ties away from zero. NaN that arithmetic makes or that comes from BF16 has
/// nothing but zeros in its lower half, which half a unit does not carry out of.</remarks>
internal readonly unsafe struct PairSteps : IAttentionSteps
{
    public static int Places => 2;

    /// <summary>Upper halves of the lanes of one vector, then of another.</summary>
    private static Vector512<ushort> Neighbours => (Vector512<ushort>.Indices << 1) + Vector512<ushort>.One;

    /// <summary>Upper halves of two vectors in turn.</summary>
    private static Vector512<ushort> InTurn =>
        ((Vector512<ushort>.Indices & Vector512<ushort>.One) << 5)
        + (Vector512<ushort>.Indices | Vector512<ushort>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRow(Vector512<float> lower, Vector512<float> upper, float* row, int place) =>
        Avx512BW.PermuteVar32x16x2(Rounded(lower), Neighbours, Rounded(upper)).Store((ushort*)row + place);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSteps(Vector512<float> first, Vector512<float> second, float* step, nint stride) =>
        Avx512BW.PermuteVar32x16x2(Rounded(first), InTurn, Rounded(second)).Store((ushort*)step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Rounded(Vector512<float> value) =>
        (value.AsUInt32() + Vector512.Create(0x8000u)).AsUInt16();
}
