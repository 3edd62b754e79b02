using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

/// <summary>A weight that is packed ahead gives the bits that it gives when each product packs it.</summary>
public sealed class PackedWeightTests
{
    /// <summary>Ragged ends both ways, more than one block of either reduction, few rows and many.</summary>
    private static readonly LinearShape[] Shapes =
    [
        .. LinearShape.Biting, new(130, 70, 1700, Bias: true, Rank: 5), new(400, 1700, 70), new(20, 2100, 90, Rank: 3),
    ];

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void Linear_HasTheSameBits(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LinearShape shape in Shapes)
        {
            using Device device = new(backend);
            Scene s = new(device, types);
            Tensor x = s.Activation(shape.M, shape.K), residual = s.Activation(shape.M, shape.N);
            LinearWeight w = LinearParts.Weight(s, shape);
            PackedWeight packed = LinearParts.Packed(s, w.Weight);
            Tensor plain = s.NewActivation(shape.M, shape.N), same = s.NewActivation(shape.M, shape.N);
            backend.LinearResidual(x, w, residual, plain);
            backend.LinearResidual(x, w with { Packed = packed }, residual, same);
            Assert.That(device.Read(same), Is.EqualTo(device.Read(plain)), shape.ToString());
            device.CheckBorders();
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearBackward_HasTheSameBits(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LinearShape shape in Shapes)
        {
            using Device device = new(backend);
            Scene s = new(device, types);
            Tensor x = s.Activation(shape.M, shape.K), dy = s.Activation(shape.M, shape.N);
            LinearWeight w = LinearParts.Projected(s, LinearParts.Weight(s, shape), shape.M);
            PackedWeight packed = LinearParts.Packed(s, w.Weight);
            Tensor plain = s.NewActivation(shape.M, shape.K), same = s.NewActivation(shape.M, shape.K);
            backend.Fill(0.5, plain);
            backend.Fill(0.5, same);
            backend.LinearBackward(x, w, dy, plain, default);
            backend.LinearBackward(x, w with { Packed = packed }, dy, same, default);
            Assert.That(device.Read(same), Is.EqualTo(device.Read(plain)), shape.ToString());
            device.CheckBorders();
        }
    }

    [Test]
    public void Copies_OfAnotherShape_AreRefused()
    {
        using Backend backend = Cases.Open("cpu");
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        Tensor x = s.Activation(3, 8), y = s.NewActivation(3, 40);
        LinearWeight w = new(s.Weight(40, 8), Packed: LinearParts.Packed(s, s.Weight(8, 40)));
        Assert.That(() => backend.Linear(x, w, y), Throws.ArgumentException.With.Message.Contains("packed"));
        Assert.That(
            () => backend.PackWeight(w.Weight, WeightSide.Forward, w.Packed.Forward),
            Throws.ArgumentException.With.Message.Contains("packed"));
    }
}
