using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace FastCpt.Tests.Kernels;

public sealed class DotTests
{
    private static IReadOnlyList<int> Lengths => [0, 1, 15, 17, 255, 256, 257, 70_001];

    internal static OpCase Build(Scene s, int length, bool fromOrigin)
    {
        Tensor x = s.Activation(length), y = s.Weight(length);
        Tensor origin = fromOrigin ? s.Activation(length) : Tensor.None;
        Tensor result = s.Device.Put([100.0], DType.F64, new Shape(1));
        double Start(int i) => fromOrigin ? Math.Abs(s.Drawn(origin)[i]) : 0;
        double Size() => Enumerable.Range(0, length).Sum(
            i => (Math.Abs(s.Drawn(x)[i]) + Start(i)) * (Math.Abs(s.Drawn(y)[i]) + Start(i)));
        // Differences, products and sums in double, in any order.
        return new OpCase(
            () => s.Backend.Dot(x, y, origin, result),
            Output.Each("result", result, (_, _) => (length + 4) * Units.Of(DType.F64) * (Size() + 100)));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void Dot_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (int length in Lengths)
            foreach (bool fromOrigin in (bool[])[false, true])
                Agreement.Check(backend, types, (length, fromOrigin), s => Build(s, length, fromOrigin));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Dot_OfNormsAndProductGivesTheCosine(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        Tensor x = s.Activation(12345), y = s.Activation(12345);
        double Dot(Tensor left, Tensor right, Tensor origin)
        {
            Tensor result = device.Put([0.0], DType.F64, new Shape(1));
            backend.Dot(left, right, origin, result);
            return device.Read(result)[0];
        }

        double cosine = Dot(x, y, default) / Math.Sqrt(Dot(x, x, default) * Dot(y, y, default));
        double expected = TensorPrimitives.CosineSimilarity<double>(s.Drawn(x), s.Drawn(y));
        Assert.That(cosine, Is.EqualTo(expected).Within(1e-13));
        double distance = TensorPrimitives.Distance<double>(s.Drawn(x), s.Drawn(y));
        Assert.That(Math.Sqrt(Dot(x, x, y)), Is.EqualTo(distance).Within(1e-12 * distance));
        Assert.That(Dot(x, x, x), Is.Zero);
    }

    [Test]
    public void Dot_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(4)), five = device.Empty(DType.F32, new Shape(5));
        Tensor result = device.Empty(DType.F64, new Shape(1)), single = device.Empty(DType.F32, new Shape(1));
        Assert.Throws<ArgumentException>(() => device.Backend.Dot(x, five, default, result));
        Assert.Throws<ArgumentException>(() => device.Backend.Dot(x, x, five, result));
        Assert.Throws<ArgumentException>(() => device.Backend.Dot(x, x, default, single));
        Assert.Throws<ArgumentException>(() => device.Backend.Dot(Tensor.None, x, default, result));
    }
}
