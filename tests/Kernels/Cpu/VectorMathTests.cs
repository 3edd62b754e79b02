using System.Runtime.Intrinsics;
using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

/// <summary>
/// Elementary functions against the double functions of the platform, over all floats in prime strides.
/// </summary>
public sealed class VectorMathTests
{
    [Test]
    public void Exp_IsWithinOneUlp() =>
        Assert.That(WorstUlp(VectorMath.Exp, Math.Exp, -110, 90), Is.LessThan(1.0));

    [Test]
    public void Exp2_IsWithinOneAndAHalfUlp() =>
        Assert.That(WorstUlp(VectorMath.Exp2, x => Math.Pow(2, x), -150, 129), Is.LessThan(1.5));

    [Test]
    public void Log_IsWithinOneUlp() =>
        Assert.That(WorstUlp(VectorMath.Log, Math.Log, 0, float.MaxValue), Is.LessThan(1.0));

    [Test]
    public void Logistic_IsWithinThreeUlp() =>
        Assert.That(WorstUlp(VectorMath.Logistic, x => 1 / (1 + Math.Exp(-x)), -87, 200), Is.LessThan(3.0));

    [Test]
    public void Normal_IsWithinSixUlp()
    {
        Assert.That(WorstUlp(Distribution, NormalDistribution, -13, 100), Is.LessThan(6.0));
        Assert.That(
            WorstUlp(Density, x => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI), -13, 13), Is.LessThan(6.0));
    }

    [Test]
    public void Functions_KeepTheirLimits()
    {
        const float Infinity = float.PositiveInfinity;
        Assert.Multiple(() =>
        {
            Assert.That(Apply(VectorMath.Exp, -Infinity), Is.Zero);
            Assert.That(Apply(VectorMath.Exp, Infinity), Is.EqualTo(Infinity));
            Assert.That(Apply(VectorMath.Exp, 88.8f), Is.EqualTo(Infinity));
            Assert.That(Apply(VectorMath.Exp, float.MinValue), Is.Zero);
            Assert.That(Apply(VectorMath.Exp, 0), Is.EqualTo(1));
            Assert.That(Apply(VectorMath.Exp, float.NaN), Is.NaN);
            Assert.That(Apply(VectorMath.Exp2, -Infinity), Is.Zero);
            Assert.That(Apply(VectorMath.Exp2, Infinity), Is.EqualTo(Infinity));
            Assert.That(Apply(VectorMath.Exp2, float.MinValue), Is.Zero);
            Assert.That(Apply(VectorMath.Exp2, 0), Is.EqualTo(1));
            Assert.That(Apply(VectorMath.Exp2, -3), Is.EqualTo(0.125f));
            Assert.That(Apply(VectorMath.Exp2, float.NaN), Is.NaN);
            Assert.That(Apply(VectorMath.Log, 0), Is.EqualTo(-Infinity));
            Assert.That(Apply(VectorMath.Log, -0f), Is.EqualTo(-Infinity));
            Assert.That(Apply(VectorMath.Log, 1), Is.Zero);
            Assert.That(Apply(VectorMath.Log, Infinity), Is.EqualTo(Infinity));
            Assert.That(Apply(VectorMath.Log, -1), Is.NaN);
            Assert.That(Apply(VectorMath.Log, -Infinity), Is.NaN);
            Assert.That(Apply(VectorMath.Log, float.NaN), Is.NaN);
            Assert.That(Apply(VectorMath.Logistic, Infinity), Is.EqualTo(1));
            Assert.That(Apply(VectorMath.Logistic, -Infinity), Is.Zero);
            Assert.That(Apply(VectorMath.Logistic, float.NaN), Is.NaN);
            Assert.That(Apply(Distribution, Infinity), Is.EqualTo(1));
            Assert.That(Apply(Distribution, -Infinity), Is.Zero);
            Assert.That(Apply(Distribution, 0), Is.EqualTo(0.5f).Within(6e-8f));
            Assert.That(Apply(Distribution, float.NaN), Is.NaN);
            Assert.That(Apply(Density, Infinity), Is.Zero);
            Assert.That(Apply(Density, float.NaN), Is.NaN);
        });
    }

    [Test]
    public void Functions_OfSubnormals_AreExact()
    {
        float least = float.Epsilon;
        Assert.That(Apply(VectorMath.Log, least), Is.EqualTo((float)Math.Log(least)));
        Assert.That(Apply(VectorMath.Log, 3 * least), Is.EqualTo((float)Math.Log(3 * least)));
        Assert.That(Apply(VectorMath.Exp, least), Is.EqualTo(1));
        Assert.That(Apply(VectorMath.Exp, -103.2f), Is.EqualTo((float)Math.Exp(-103.2f)));
    }

    [Test]
    public void Sum_AddsHalvesToHalves()
    {
        float[] lanes = [1e8f, 1, -1e8f, 3, 5, -7, 0.1f, 11, 0.3f, 17, 19, 1e-3f, 23, 29, 31, 1e7f];
        float[] folded = lanes;
        for (int width = 8; width > 0; width /= 2)
            folded = [.. Enumerable.Range(0, width).Select(i => folded[i] + folded[i + width])];
        Assert.That(VectorMath.Sum(Vector512.Create<float>(lanes)), Is.EqualTo(folded[0]));
        Assert.That(VectorMath.Max(Vector512.Create<float>(lanes)), Is.EqualTo(1e8f));
    }

    /// <summary>A checksum that every instruction set must reach: runs with wide SIMD off compare with it.</summary>
    [Test]
    public void Bits_AreTheSameOnEveryInstructionSet()
    {
        const uint Stride = 104729;
        uint hash = 2166136261;
        for (ulong bits = 0; bits <= uint.MaxValue; bits += Stride)
        {
            Vector512<float> x = Vector512.Create(BitConverter.UInt32BitsToSingle((uint)bits));
            foreach (float y in (ReadOnlySpan<float>)[
                VectorMath.Exp(x)[0], VectorMath.Log(x)[0], VectorMath.Logistic(x)[0],
                Distribution(x)[0], Density(x)[0]])
                hash = (hash ^ (float.IsNaN(y) ? 0x7FC00000 : BitConverter.SingleToUInt32Bits(y))) * 16777619;
        }

        Assert.That(hash, Is.EqualTo(972806601u));
    }

    private static Vector512<float> Distribution(Vector512<float> x)
    {
        VectorMath.Normal(x, out Vector512<float> distribution, out _);
        return distribution;
    }

    private static Vector512<float> Density(Vector512<float> x)
    {
        VectorMath.Normal(x, out _, out Vector512<float> density);
        return density;
    }

    private static float Apply(Func<Vector512<float>, Vector512<float>> function, float x) =>
        function(Vector512.Create(x)).ToScalar();

    /// <summary>
    /// The worst error in units in the last place, over some three million floats between two bounds.
    /// </summary>
    private static double WorstUlp(
        Func<Vector512<float>, Vector512<float>> function, Func<double, double> exact, float least, float most)
    {
        const uint Stride = 1499;
        double worst = 0;
        var lanes = new float[16];
        int filled = 0;
        for (ulong bits = 0; bits <= uint.MaxValue; bits += Stride)
        {
            float x = BitConverter.UInt32BitsToSingle((uint)bits);
            if (!(x >= least && x <= most))
                continue;
            lanes[filled++] = x;
            if (filled < lanes.Length)
                continue;
            Vector512<float> y = function(Vector512.Create<float>(lanes));
            for (int lane = 0; lane < lanes.Length; lane++)
                worst = Math.Max(worst, Ulp(y[lane], exact(lanes[lane])));
            filled = 0;
        }

        return worst;
    }

    private static double Ulp(float found, double exact)
    {
        if ((float)exact == found)
            return 0;
        float magnitude = Math.Abs((float)exact);
        return Math.Abs(found - exact) / ((double)MathF.BitIncrement(magnitude) - magnitude);
    }

    /// <summary>Φ in double: the series near 0, the continued fraction in the tails.</summary>
    private static double NormalDistribution(double x)
    {
        double a = Math.Abs(x), density = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI), tail;
        if (a < 3)
        {
            double term = a, sum = a;
            for (int n = 3; term > 1e-18 * sum; n += 2)
                sum += term *= a * a / n;
            tail = 0.5 - density * sum;
        }
        else
        {
            double fraction = a;
            for (int n = 80; n > 0; n--)
                fraction = a + n / fraction;
            tail = density / fraction;
        }

        return x < 0 ? tail : 1 - tail;
    }
}
