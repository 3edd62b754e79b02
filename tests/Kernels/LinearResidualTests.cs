using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class LinearResidualTests
{
    internal static OpCase Forward(Scene s, LinearShape shape)
    {
        Tensor x = s.Activation(shape.M, shape.K), residual = s.Activation(shape.M, shape.N);
        Tensor y = s.NewActivation(shape.M, shape.N);
        LinearWeight w = LinearParts.Weight(s, shape);
        return new OpCase(
            () => s.Backend.LinearResidual(x, w, residual, y),
            new Output("y", y, units => Errors(s, x, w, residual, units).Values));
    }

    private static Matrix Errors(Scene s, Tensor x, LinearWeight w, Tensor residual, Units units) =>
        LinearBounds.Forward(s, s.Matrix(x), null, w, units) + Units.Single * s.Matrix(residual).Absolute();

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearResidual_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LinearShape shape in LinearShape.Biting)
            Agreement.Check(backend, types, shape, s => Forward(s, shape));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearResidual_MayOverwriteTheResidual(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        Tensor x = s.Activation(37, 50);
        LinearWeight w = LinearParts.Weight(s, new LinearShape(37, 45, 50, Bias: true, Rank: 3));
        Aliasing.Check(
            backend, types, [(37, 45)], (inputs, y) => backend.LinearResidual(x, w, inputs[0], y));
    }

    [Test]
    public void LinearResidual_OfReferenceIsLinearPlusAdd()
    {
        using Device device = new(Cases.Open("reference"));
        Scene s = new(device, Types.Double);
        Tensor x = s.Activation(4, 9), residual = s.Activation(4, 5);
        Tensor y = s.NewActivation(4, 5), apart = s.NewActivation(4, 5);
        LinearWeight w = LinearParts.Weight(s, new LinearShape(4, 5, 9, Bias: true, Rank: 2));
        device.Backend.LinearResidual(x, w, residual, y);
        device.Backend.Linear(x, w, apart);
        device.Backend.Add(residual, apart, apart);
        Assert.That(device.Read(y), Is.EqualTo(device.Read(apart)));
    }

    [Test]
    public void LinearResidual_OfWrongShapesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(4, 3)), y = device.Empty(DType.F32, new Shape(4, 2));
        LinearWeight w = new(device.Empty(DType.F32, new Shape(2, 3)));
        Backend backend = device.Backend;
        Assert.Throws<ArgumentException>(() => backend.LinearResidual(x, w, x, y));
        Assert.Throws<ArgumentException>(() => backend.LinearResidual(x, w, Tensor.None, y));
        Assert.Throws<ArgumentException>(
            () => backend.LinearResidual(x, w, device.Empty(DType.BF16, new Shape(4, 2)), y));
    }
}
