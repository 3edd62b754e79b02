using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastCpt.Kernels.Cpu;

/// <summary>Elementary functions of 16 lanes, and sums over lanes by a fixed tree.</summary>
/// <remarks>
/// Every step is an IEEE operation that is rounded once, so the bits are the same on every instruction set, also
/// where 512 bits are done as halves. Lanes do not influence one another. The polynomials are minimax fits of our own
/// (Remez exchange in 40 digits). ulp: units in the last place of the exact result; tests hold the bounds.
/// </remarks>
internal static class VectorMath
{
    private const float Ln2High = 0.693147182f, Ln2Low = -1.90465430e-9f;

    /// <summary>exp(x) within 1 ulp, subnormal results included; exp(−∞) = 0, exp(NaN) = NaN, overflow is ∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // Below −104 the result rounds to 0, above 89 it overflows. NaN is the second operand, so it passes.
        x = Vector512.MaxNative(Vector512.Create(-104f), x);
        x = Vector512.MinNative(Vector512.Create(89f), x);
        Vector512<float> n = Vector512.Round(x * Vector512.Create(1.44269504f));
        Vector512<float> r = Fma(n, Vector512.Create(-Ln2High), x);
        r = Fma(n, Vector512.Create(-Ln2Low), r);
        Vector512<float> p = Vector512.Create(1.38145990e-3f);
        p = Fma(p, r, Vector512.Create(8.36871689e-3f));
        p = Fma(p, r, Vector512.Create(4.16683880e-2f));
        p = Fma(p, r, Vector512.Create(0.166665206f));
        p = Fma(p, r, Vector512.Create(0.499999934f));
        p = Fma(p, r * r, r) + Vector512<float>.One;
        return Scale(p, n);
    }

    /// <summary>2ˣ within 1.5 ulp, subnormal results included; 2 to −∞ is 0, NaN passes, overflow is ∞.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp2(Vector512<float> x)
    {
        // Below −150 the result rounds to 0, from 128 on it overflows. NaN is the second operand, so it passes.
        x = Vector512.MaxNative(Vector512.Create(-150f), x);
        x = Vector512.MinNative(Vector512.Create(128f), x);
        Vector512<float> n = Vector512.Floor(x);
        Vector512<float> r = x - n;
        Vector512<float> p = Vector512.Create(2.16129178e-4f);
        p = Fma(p, r, Vector512.Create(1.24678458e-3f));
        p = Fma(p, r, Vector512.Create(9.67545155e-3f));
        p = Fma(p, r, Vector512.Create(5.54852821e-2f));
        p = Fma(p, r, Vector512.Create(0.240229309f));
        p = Fma(p, r, Vector512.Create(0.693147063f));
        return Scale(Fma(p, r, Vector512<float>.One), n);
    }

    /// <summary>log(x) within 1 ulp; log(0) = −∞, log(x &lt; 0) = NaN, log(∞) = ∞.</summary>
    public static Vector512<float> Log(Vector512<float> x)
    {
        Vector512<float> tiny = Vector512.LessThan(x, Vector512.Create(1.17549435e-38f));
        Vector512<float> normal = Vector512.ConditionalSelect(tiny, x * Vector512.Create(16777216f), x);
        Vector512<float> shift = Vector512.ConditionalSelect(tiny, Vector512.Create(24f), Vector512<float>.Zero);
        // x = 2^e (1 + f) with 1 + f in [√½, √2).
        Vector512<int> bits = normal.AsInt32() - Vector512.Create(0x3F3504F3);
        Vector512<int> exponent = Vector512.ShiftRightArithmetic(bits, 23);
        Vector512<float> e = Vector512.ConvertToSingle(exponent) - shift;
        Vector512<float> f =
            (normal.AsInt32() - Vector512.ShiftLeft(exponent, 23)).AsSingle() - Vector512<float>.One;
        Vector512<float> p = Vector512.Create(6.74663908e-2f);
        p = Fma(p, f, Vector512.Create(-0.116756503f));
        p = Fma(p, f, Vector512.Create(0.118881621f));
        p = Fma(p, f, Vector512.Create(-0.124055892f));
        p = Fma(p, f, Vector512.Create(0.142195524f));
        p = Fma(p, f, Vector512.Create(-0.166679958f));
        p = Fma(p, f, Vector512.Create(0.200021187f));
        p = Fma(p, f, Vector512.Create(-0.250000096f));
        p = Fma(p, f, Vector512.Create(0.333333126f));
        p = Fma(p, f, Vector512.Create(-0.5f));
        p = Fma(p, f * f, e * Vector512.Create(Ln2Low));
        Vector512<float> result = Fma(e, Vector512.Create(Ln2High), f + p);
        Vector512<float> infinity = Vector512.Create(float.PositiveInfinity);
        result = Vector512.ConditionalSelect(Vector512.LessThan(x, infinity), result, x);
        result = Vector512.ConditionalSelect(Vector512.Equals(x, Vector512<float>.Zero), -infinity, result);
        return Vector512.ConditionalSelect(
            Vector512.LessThan(x, Vector512<float>.Zero), Vector512.Create(float.NaN), result);
    }

    /// <summary>log(x) of one number: a lane of the vector function.</summary>
    public static float Log(float x) => Log(Vector512.Create(x)).ToScalar();

    /// <summary>1 / (1 + exp(−x)) within 3 ulp above −87, below that 0 within 1e-38.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Logistic(Vector512<float> x) =>
        Vector512<float>.One / (Vector512<float>.One + Exp(-x));

    /// <summary>Distribution and density of the standard normal: Φ(x) and φ(x) = exp(−x²/2)/√(2π).</summary>
    /// <remarks>Both within 6 ulp, in the left tail too. Φ(−|x|) = exp(−x²/2) · Q(u)/(|x| + 4) with
    /// u = (|x| − 4)/(|x| + 4), Q a polynomial: the form of Shepherd and Laframboise 1981.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Normal(Vector512<float> x, out Vector512<float> distribution, out Vector512<float> density)
    {
        // Beyond 15 both tails are 0; the bound keeps infinities out. NaN is the second operand, so it passes.
        Vector512<float> a = Vector512.MinNative(Vector512.Create(15f), Vector512.Abs(x));
        Vector512<float> square = a * a;
        Vector512<float> rest = Fma(a, a, -square);
        Vector512<float> e = Exp(square * Vector512.Create(-0.5f));
        e = Fma(e, rest * Vector512.Create(-0.5f), e);
        Vector512<float> t = Vector512<float>.One / (a + Vector512.Create(4f));
        Vector512<float> u = (a - Vector512.Create(4f)) * t;
        Vector512<float> q = Vector512.Create(-4.63183313e-5f);
        q = Fma(q, u, Vector512.Create(-2.22056948e-4f));
        q = Fma(q, u, Vector512.Create(1.70940133e-4f));
        q = Fma(q, u, Vector512.Create(1.63708719e-3f));
        q = Fma(q, u, Vector512.Create(-3.49129682e-3f));
        q = Fma(q, u, Vector512.Create(-7.54290542e-3f));
        q = Fma(q, u, Vector512.Create(6.03981481e-2f));
        q = Fma(q, u, Vector512.Create(-0.186521555f));
        q = Fma(q, u, Vector512.Create(0.387137319f));
        q = Fma(q, u, Vector512.Create(-0.607896650f));
        q = Fma(q, u, Vector512.Create(0.755285131f));
        Vector512<float> tail = e * (q * t);
        distribution = Vector512.ConditionalSelect(
            Vector512.LessThan(x, Vector512<float>.Zero), tail, Vector512<float>.One - tail);
        density = e * Vector512.Create(0.398942280f);
    }

    /// <summary>Sum of the lanes: halves added to halves, 8, 4, 2, 1 apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> x)
    {
        Vector256<float> eight = x.GetLower() + x.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        Vector128<float> two = four + Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1));
        return two[0] + two[1];
    }

    /// <summary>Sum of the lanes: halves added to halves, 4, 2, 1 apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector512<double> x)
    {
        Vector256<double> four = x.GetLower() + x.GetUpper();
        Vector128<double> two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }

    /// <summary>The largest lane; without NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> x)
    {
        Vector256<float> eight = Vector256.MaxNative(x.GetLower(), x.GetUpper());
        Vector128<float> four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        Vector128<float> two = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(two[0], two[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fma(Vector512<float> x, Vector512<float> y, Vector512<float> z) =>
        Vector512.FusedMultiplyAdd(x, y, z);

    /// <summary>x · 2ⁿ rounded once, for x in [½, 2] and whole n in [−150, 129].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scale(Vector512<float> x, Vector512<float> n)
    {
        if (Avx512F.IsSupported)
            return Avx512F.Scale(x, n);
        // Two powers of two: the first product is exact, the second rounds into the subnormals or overflows.
        Vector512<int> whole = Vector512.ConvertToInt32Native(n);
        Vector512<int> half = Vector512.ShiftRightArithmetic(whole, 1);
        return x * PowerOfTwo(half) * PowerOfTwo(whole - half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> PowerOfTwo(Vector512<int> n) =>
        Vector512.ShiftLeft(n + Vector512.Create(127), 23).AsSingle();
}
