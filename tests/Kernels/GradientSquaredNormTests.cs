using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class GradientSquaredNormTests
{
    private static IReadOnlyList<int> Lengths => [0, 1, 15, 17, 255, 256, 257, 70_001];

    /// <summary>The scene's weights are of θ's type, its activations of the anchor's.</summary>
    internal static OpCase Build(Scene s, int length, bool pulls)
    {
        Tensor g = s.Statistic(length), theta = s.Weight(length);
        Pull pull = pulls ? new(s.Activation(length), 0.25f) : default;
        Tensor result = s.Device.Put([100.0], DType.F64, new Shape(1));
        double Error()
        {
            double sum = 0;
            for (int i = 0; i < length; i++)
            {
                double size = Math.Abs(s.Drawn(g)[i]);
                if (pulls)
                    size += 0.25 * (Math.Abs(s.Drawn(theta)[i]) + Math.Abs(s.Drawn(pull.Anchor)[i]));
                sum += size * size;
            }

            // g' may be computed in float32, as the update does: three roundings, squared. Sums are in double.
            return (pulls ? 8 * Units.Single : 0) * sum + length * Units.Of(DType.F64) * (sum + 100);
        }

        return new OpCase(
            () => s.Backend.GradientSquaredNorm(g, theta, pull, result),
            Output.Each("result", result, (_, _) => Error()));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void GradientSquaredNorm_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (int length in Lengths)
            foreach (bool pulls in (bool[])[false, true])
                Agreement.Check(backend, types, (length, pulls), s => Build(s, length, pulls));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void GradientSquaredNorm_PullIsPartOfTheNormAndZeroAtTheAnchor(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Tensor Of(params double[] values) => device.Put(values, DType.F32, new Shape(values.Length));
        Tensor result = device.Put([0.0], DType.F64, new Shape(1)), theta = Of(3, 1);
        backend.GradientSquaredNorm(Of(1, -1), theta, new Pull(Of(1, 3), 0.5f), result);
        Assert.That(device.Read(result)[0], Is.EqualTo(8)); // (1 + 0.5 · 2)² + (−1 − 0.5 · 2)²
        backend.GradientSquaredNorm(Of(1, -1), theta, new Pull(theta, 0.5f), result);
        Assert.That(device.Read(result)[0], Is.EqualTo(10), "at the anchor g' is g, and results add up");
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void GradientSquaredNorm_OfOneBadElementIsNotFinite(string name)
    {
        using Backend backend = Cases.Open(name);
        foreach (double bad in (double[])[double.NaN, double.PositiveInfinity])
            foreach (int place in (int[])[0, 15, 16, 999])
            {
                using Device device = new(backend);
                double[] values = new double[1000];
                values[place] = bad;
                Tensor g = device.Put(values, DType.F32, new Shape(1000));
                Tensor result = device.Put([0.0], DType.F64, new Shape(1));
                backend.GradientSquaredNorm(g, Tensor.None, default, result);
                Assert.That(double.IsFinite(device.Read(result)[0]), Is.False, $"{bad} at {place}");
            }
    }

    [Test]
    public void GradientSquaredNorm_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Backend b = device.Backend;
        Tensor g = device.Empty(DType.F32, new Shape(4)), five = device.Empty(DType.F32, new Shape(5));
        Tensor result = device.Empty(DType.F64, new Shape(1)), single = device.Empty(DType.F32, new Shape(1));
        Assert.Throws<ArgumentException>(() => b.GradientSquaredNorm(g, g, default, single));
        Assert.Throws<ArgumentException>(() => b.GradientSquaredNorm(g, five, new Pull(g, 1), result));
        Assert.Throws<ArgumentException>(() => b.GradientSquaredNorm(g, g, new Pull(five, 1), result));
        Assert.Throws<ArgumentException>(() => b.GradientSquaredNorm(Tensor.None, g, default, result));
    }
}
