using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class WeightedSumTests
{
    internal static OpCase Build(Scene s, int length)
    {
        // Activations and weights: sums may mix types.
        Tensor[] xs = [s.Activation(length), s.Weight(length), s.Activation(length)];
        Tensor y = s.NewActivation(length);
        return new OpCase(
            () => s.Backend.WeightedSum(xs, [0.2, -1.5, 0.7], y), Output.RoundedOnce("y", y));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void WeightedSum_AgreesWithReferenceToTheBit(string name, Types types)
    {
        using Backend backend = Cases.Open(name), reference = Cases.Open("reference");
        foreach (int length in (int[])[0, 1, 7, 8, 9, 15, 17, 33, 5000])
        {
            using Device device = new(backend), exact = new(reference);
            OpCase tested = Build(new Scene(device, types), length), expected = Build(new Scene(exact, types), length);
            tested.Run();
            expected.Run();
            Assert.That(
                device.Bytes(tested.Outputs[0].Tensor), Is.EqualTo(exact.Bytes(expected.Outputs[0].Tensor)),
                $"{length} elements");
            device.CheckBorders();
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void WeightedSum_OfEqualTensorsIsThatTensor(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        double[] values = s.Normal(1000);
        (values[0], values[1], values[2], values[3]) = (-0.0, 1e-40, 3e38, -1e-45);
        Tensor x = s.ActivationOf(values, 1000), y = s.NewActivation(1000);
        foreach (int count in (int[])[1, 2, 3, 5, 7])
        {
            Tensor[] copies = [.. Enumerable.Repeat(x, count)];
            double[] shares = [.. Enumerable.Repeat(1.0 / count, count)];
            backend.WeightedSum(copies, shares, y);
            Assert.That(device.Bytes(y), Is.EqualTo(device.Bytes(x)), $"soup of {count}");
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void WeightedSum_WithWeightsOneAndZeroIsTheFirst(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        Tensor x = s.Activation(1000), y = s.NewActivation(1000);
        backend.WeightedSum([x, s.Activation(1000), s.Activation(1000)], [1, 0, 0], y);
        Assert.That(device.Read(y), Is.EqualTo(s.Drawn(x)));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void WeightedSum_MayOverwriteAnyTerm(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        Aliasing.Check(
            backend, types, [(1, 777), (1, 777), (1, 777)],
            (inputs, y) => backend.WeightedSum(inputs, [0.5, 0.25, -2], y));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void WeightedSum_OfNothingIsZero(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Tensor y = device.Empty(DType.F32, new Shape(20));
        backend.WeightedSum([], [], y);
        Assert.That(device.Read(y), Is.All.Zero);
    }

    [Test]
    public void WeightedSum_OfWrongShapesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(4)), five = device.Empty(DType.F32, new Shape(5));
        Assert.Throws<ArgumentException>(() => device.Backend.WeightedSum([x, five], [1, 1], x));
        Assert.Throws<ArgumentException>(() => device.Backend.WeightedSum([x, x], [1], x));
        Assert.Throws<ArgumentException>(
            () => device.Backend.WeightedSum([device.Empty(DType.I32, new Shape(4))], [1], x));
    }
}
