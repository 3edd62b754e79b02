using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastCpt.Kernels.Cpu;

/// <summary>Half floats, as files hold them; written by rounding to nearest, ties to even, with NaN kept.</summary>
internal readonly unsafe struct HalfElement : IElement
{
    private const uint Infinity = 0x7C00, QuietNaN = 0x7E00, Sign = 0x8000;

    /// <summary>The least normal half, 2^-14, as bits of a float.</summary>
    private const uint LeastNormal = 0x3880_0000;

    private const float TwoTo112 = 5.192296858534828e33f;

    public static DType Type => DType.F16;

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

    public static float Get(void* start, long index) => (float)((Half*)start)[index];

    public static void Set(float value, void* start, long index) => ((Half*)start)[index] = (Half)value;

    /// <summary>Exact. Shifted into place, exponents are 112 too small, those of subnormal numbers too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector256<ushort> halves)
    {
        (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(halves);
        Vector512<uint> bits = Vector512.Create(lower, upper);
        Vector512<uint> sign = Vector512.ShiftLeft(bits & Vector512.Create(Sign), 16);
        Vector512<uint> magnitude = bits & Vector512.Create(Sign - 1);
        Vector512<uint> shifted = Vector512.ShiftLeft(magnitude, 13);
        Vector512<uint> scaled = (shifted.AsSingle() * Vector512.Create(TwoTo112)).AsUInt32();
        Vector512<uint> special = shifted | Vector512.Create(0x7F80_0000u);      // infinities and NaN
        Vector512<uint> isSpecial = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(Infinity));
        return (Vector512.ConditionalSelect(isSpecial, special, scaled) | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Narrow(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> magnitude = bits & Vector512.Create(0x7FFF_FFFFu);
        Vector512<uint> last = Vector512.ShiftRightLogical(magnitude, 13) & Vector512<uint>.One;
        Vector512<uint> normal = Vector512.ShiftRightLogical(magnitude + Vector512.Create(0x0FFFu) + last, 13)
            - Vector512.Create(112u << 10);
        normal = Vector512.Min(normal, Vector512.Create(Infinity));
        // The last bit of 0.5 weighs 2^-24, as that of a subnormal half does: the sum rounds to it.
        Vector512<float> half = Vector512.Create(0.5f);
        Vector512<uint> subnormal = (magnitude.AsSingle() + half).AsUInt32() - half.AsUInt32();
        Vector512<uint> rounded = Vector512.ConditionalSelect(
            Vector512.LessThan(magnitude, Vector512.Create(LeastNormal)), subnormal, normal);
        Vector512<uint> quiet = Vector512.Create(QuietNaN)
            | (Vector512.ShiftRightLogical(magnitude, 13) & Vector512.Create(0x03FFu));
        Vector512<uint> kept = Vector512.ConditionalSelect(
            Vector512.Equals(value, value).AsUInt32(), rounded, quiet);
        kept |= Vector512.ShiftRightLogical(bits, 16) & Vector512.Create(Sign);
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector256UInt16(kept)
            : Vector256.Narrow(kept.GetLower(), kept.GetUpper());
    }
}
