using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class RopeTests
{
    private const int Positions = 40;

    private static IReadOnlyList<(int Rows, int Heads, int HeadSize)> Shapes =>
        [(0, 1, 8), (1, 1, 2), (3, 2, 6), (5, 3, 16), (7, 1, 30), (9, 2, 34), (17, 4, 64)];

    internal static OpCase Forward(Scene s, int rows, int heads, int headSize, bool inverse)
    {
        Tensor x = s.Activation(rows, heads * headSize), table = Table(s, headSize);
        Tensor positions = s.Integers(s.Below(Positions, rows));
        int half = headSize / 2;
        return new OpCase(
            () => s.Backend.Rope(positions, table, inverse, x),
            Output.Each("x", x, (i, _) =>
                3 * Units.Single * (Math.Abs(s.Drawn(x)[i]) + Math.Abs(s.Drawn(x)[Partner(i, headSize, half)]))));
    }

    /// <summary>The other element of a rotated pair; |cos| and |sin| are at most 1.</summary>
    private static int Partner(int i, int headSize, int half) => i % headSize < half ? i + half : i - half;

    private static Tensor Table(Scene s, int headSize)
    {
        double[] angles = new double[Positions * headSize];
        for (int i = 0; i < angles.Length; i++)
        {
            int place = i / headSize, pair = i % headSize % (headSize / 2);
            double angle = place * Math.Pow(10_000, -2.0 * pair / headSize);
            angles[i] = i % headSize < headSize / 2 ? Math.Cos(angle) : Math.Sin(angle);
        }

        return s.StatisticOf(angles, Positions, headSize);
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Rope_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, heads, size) in Shapes)
            foreach (bool inverse in (bool[])[false, true])
                Agreement.Check(
                    backend, types, (rows, heads, size, inverse), s => Forward(s, rows, heads, size, inverse));
    }

    [Test]
    public void Rope_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Scene s = check.Scene;
        Tensor x = s.Activation(5, 12), y = s.NewActivation(5, 12), table = Table(s, 6);
        Tensor positions = s.Integers([0, 3, 7, 2, 39]);
        Action forward = () =>
        {
            check.Backend.Convert(x, y);
            check.Backend.Rope(positions, table, false, y);
        };
        check.Check([x], [y], forward, (dy, dx) =>
        {
            check.Backend.Rope(positions, table, true, dy[0]);
            check.Backend.Add(dy[0], dx[0], dx[0]);
        });
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Rope_RotatesByThePositionsAngle(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        // One head of four: pairs (0, 2) at angle p and (1, 3) at angle p / 100.
        Tensor x = s.ActivationOf([1, 1, 0, 0, 1, 1, 0, 0], 2, 4);
        backend.Rope(s.Integers([0, 5]), Table(s, 4), false, x);
        double[] expected = [1, 1, 0, 0, Math.Cos(5), Math.Cos(0.05), Math.Sin(5), Math.Sin(0.05)];
        Assert.That(device.Read(x), Is.EqualTo(expected).Within(2 * Units.Single));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Rope_ScoresDependOnDistanceAlone(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        double Score(int queryPlace, int keyPlace)
        {
            Scene s = new(device, Types.Single);
            Tensor rows = s.Activation(2, 16);
            backend.Rope(s.Integers([queryPlace, keyPlace]), Table(s, 16), false, rows);
            return device.Read(rows)[..16].Zip(device.Read(rows)[16..], (q, k) => q * k).Sum();
        }

        Assert.That(Score(12, 3), Is.EqualTo(Score(39, 30)).Within(1e-4)); // angles rounded to float32, 16 terms
        Assert.That(Score(12, 3), Is.Not.EqualTo(Score(12, 4)).Within(1e-2));
    }

    [Test]
    public void Rope_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.BF16, new Shape(2, 12)), table = device.Empty(DType.F32, new Shape(9, 6));
        Tensor odd = device.Empty(DType.F32, new Shape(9, 3)), narrow = device.Empty(DType.BF16, new Shape(9, 6));
        Tensor five = device.Empty(DType.F32, new Shape(9, 10)), places = device.Put([0, 1], new Shape(2));
        Backend backend = device.Backend;
        Assert.Throws<ArgumentException>(() => backend.Rope(places, odd, false, x));
        Assert.Throws<ArgumentException>(() => backend.Rope(places, narrow, false, x));
        Assert.Throws<ArgumentException>(() => backend.Rope(places, five, false, x));
        Assert.Throws<ArgumentException>(() => backend.Rope(device.Put([0], new Shape(1)), table, false, x));
        Assert.Throws<ArgumentException>(() => backend.Rope(device.Put([0L, 1L]), table, false, x));
    }
}
