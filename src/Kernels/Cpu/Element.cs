using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastCpt.Kernels.Cpu;

/// <summary>How elements of a type are read as F32 and written from it; kernels are generic over it.</summary>
internal unsafe interface IElement
{
    /// <summary>The type in memory.</summary>
    static abstract DType Type { get; }

    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    /// <summary>Elements index to index + 15.</summary>
    static abstract Vector512<float> Load(void* start, long index);

    /// <summary>Elements index to index + count − 1, the lanes above 0.</summary>
    static abstract Vector512<float> Load(void* start, long index, int count);

    /// <summary>Writes elements index to index + 15.</summary>
    static abstract void Store(Vector512<float> value, void* start, long index);

    /// <summary>Writes elements index to index + count − 1 and no others.</summary>
    static abstract void Store(Vector512<float> value, void* start, long index, int count);

    static abstract float Get(void* start, long index);

    static abstract void Set(float value, void* start, long index);
}

/// <summary>32-bit floats.</summary>
internal readonly unsafe struct SingleElement : IElement
{
    public static DType Type => DType.F32;

    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(void* start, long index) => Vector512.Load((float*)start + index);

    public static Vector512<float> Load(void* start, long index, int count)
    {
        if (Avx512F.IsSupported)
            return Avx512F.MaskLoad((float*)start + index, Below(count), Vector512<float>.Zero);
        float* lanes = stackalloc float[16];
        Vector512<float>.Zero.Store(lanes);
        for (int lane = 0; lane < count; lane++)
            lanes[lane] = ((float*)start)[index + lane];
        return Vector512.Load(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, void* start, long index) => value.Store((float*)start + index);

    public static void Store(Vector512<float> value, void* start, long index, int count)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.MaskStore((float*)start + index, Below(count), value);
            return;
        }

        float* lanes = stackalloc float[16];
        value.Store(lanes);
        for (int lane = 0; lane < count; lane++)
            ((float*)start)[index + lane] = lanes[lane];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Get(void* start, long index) => ((float*)start)[index];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(float value, void* start, long index) => ((float*)start)[index] = value;

    /// <summary>All bits set in the first lanes: what masked loads and stores touch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Below(int count) =>
        Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();
}

/// <summary>Brain floats; written by rounding to nearest, ties to even, with NaN kept.</summary>
internal readonly unsafe struct BrainElement : IElement
{
    public static DType Type => DType.BF16;

    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(void* start, long index) => Widen(Vector256.Load((ushort*)start + index));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(void* start, long index, int count) =>
        Widen(ShortLanes.Load((ushort*)start + index, count));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, void* start, long index) =>
        Narrow(value).Store((ushort*)start + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, void* start, long index, int count) =>
        ShortLanes.Store(Narrow(value), (ushort*)start + index, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Get(void* start, long index) => Bf16.ToSingle(((ushort*)start)[index]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(float value, void* start, long index) => ((ushort*)start)[index] = Bf16.FromSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector256<ushort> halves)
    {
        if (Avx512F.IsSupported)
            return Vector512.ShiftLeft(Avx512F.ConvertToVector512Int32(halves), 16).AsSingle();
        (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(halves);
        return Vector512.ShiftLeft(Vector512.Create(lower, upper), 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Narrow(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> upper = Vector512.ShiftRightLogical(bits, 16);
        Vector512<uint> rounded = Vector512.ShiftRightLogical(
            bits + Vector512.Create(0x7FFFu) + (upper & Vector512<uint>.One), 16);
        Vector512<uint> quiet = upper | Vector512.Create(0x0040u);
        Vector512<uint> kept = Vector512.ConditionalSelect(
            Vector512.Equals(value, value).AsUInt32(), rounded, quiet);
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector256UInt16(kept)
            : Vector256.Narrow(kept.GetLower(), kept.GetUpper());
    }
}
