using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastCpt.Kernels.Cpu;

/// <summary>How steps of a panel are read from memory.</summary>
internal unsafe interface IPackSource
{
    /// <summary>Bytes of an element.</summary>
    static abstract int ElementSize { get; }

    /// <summary>Elements of the reduction that a step takes.</summary>
    static abstract int PlacesPerStep { get; }

    /// <summary>Sixteen steps of a line that lies along a row.</summary>
    static abstract Vector512<float> AlongSixteen(byte* line, long step);

    /// <summary>Up to sixteen steps of such a line, which has so many places left from there on, the rest 0.</summary>
    static abstract Vector512<float> AlongSome(byte* line, long step, int places);

    /// <summary>One step of a line whose row has so many places in all.</summary>
    static abstract float AlongOne(byte* line, long step, long places);

    /// <summary>One step of 16 lines; the row and, in pairs, the one below.</summary>
    static abstract Vector512<float> Across(byte* row, long stride, long line);

    /// <param name="whole">Whether the second place of a pair exists.</param>
    static abstract float AcrossOne(byte* row, long stride, long line, bool whole);
}

/// <summary>Elements as F32, one a step.</summary>
internal readonly unsafe struct ElementSource<TElement> : IPackSource
    where TElement : struct, IElement
{
    public static int ElementSize => TElement.Size;

    public static int PlacesPerStep => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AlongSixteen(byte* line, long step) => TElement.Load(line, step);

    public static Vector512<float> AlongSome(byte* line, long step, int places) => TElement.Load(line, step, places);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float AlongOne(byte* line, long step, long places) => TElement.Get(line, step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Across(byte* row, long stride, long line) => TElement.Load(row, line);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float AcrossOne(byte* row, long stride, long line, bool whole) => TElement.Get(row, line);
}

/// <summary>BF16 pairs as they are, the earlier place in the lower half. They exist only where AVX-512 does.</summary>
internal readonly unsafe struct PairSource : IPackSource
{
    public static int ElementSize => sizeof(ushort);

    public static int PlacesPerStep => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AlongSixteen(byte* line, long step) => Vector512.Load((float*)line + step);

    public static Vector512<float> AlongSome(byte* line, long step, int places)
    {
        Vector512<ushort> below = Vector512.LessThan(Vector512<ushort>.Indices, Vector512.Create((ushort)places));
        return Avx512BW.MaskLoad((ushort*)line + 2 * step, below, Vector512<ushort>.Zero).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float AlongOne(byte* line, long step, long places)
    {
        ushort* pair = (ushort*)line + 2 * step;
        return Join(pair[0], 2 * step + 1 < places ? pair[1] : (ushort)0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Across(byte* row, long stride, long line)
    {
        Vector512<int> first = Widen(row + line * sizeof(ushort));
        Vector512<int> second = Widen(row + stride + line * sizeof(ushort));
        return (first | Vector512.ShiftLeft(second, 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float AcrossOne(byte* row, long stride, long line, bool whole) =>
        Join(((ushort*)row)[line], whole ? ((ushort*)(row + stride))[line] : (ushort)0);

    private static float Join(ushort first, ushort second) =>
        BitConverter.UInt32BitsToSingle(first | (uint)second << 16);

    private static Vector512<int> Widen(byte* halves) =>
        Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)halves));
}
