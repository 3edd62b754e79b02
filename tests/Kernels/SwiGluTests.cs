using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace FastCpt.Tests.Kernels;

public sealed class SwiGluTests
{
    /// <summary>Largest slope of g · logistic(g), at about 2.4.</summary>
    internal const double LargestSlope = 1.1;

    // exp within 2 u of its value, one sum, one quotient, two products.
    internal const double Roundings = 8;

    internal static OpCase Forward(Scene s, int rows, int cols)
    {
        Tensor gate = s.ActivationOf(GeGluTests.GatesWithTails(s, rows * cols), rows, cols);
        Tensor up = s.Activation(rows, cols), y = s.NewActivation(rows, cols);
        double[] g = s.Drawn(gate), u = s.Drawn(up);
        return new OpCase(
            () => s.Backend.SwiGlu(gate, up, y),
            Output.Each("y", y, (i, _) => Roundings * Units.Single * Math.Abs(g[i] * Logistic(g[i]) * u[i])));
    }

    internal static OpCase Backward(Scene s, int rows, int cols)
    {
        Tensor gate = s.ActivationOf(GeGluTests.GatesWithTails(s, rows * cols), rows, cols);
        Tensor up = s.Activation(rows, cols), dy = s.Activation(rows, cols);
        Tensor dGate = s.Activation(rows, cols), dUp = s.Activation(rows, cols);
        double[] g = s.Drawn(gate), u = s.Drawn(up), d = s.Drawn(dy), dg = s.Drawn(dGate), du = s.Drawn(dUp);
        return new OpCase(
            () => s.Backend.SwiGluBackward(gate, up, dy, dGate, dUp),
            Output.Each(
                "dGate", dGate, (i, _) => Units.Single * (Math.Abs(dg[i]) + SlopeError(g[i]) * Math.Abs(d[i] * u[i]))),
            Output.Each(
                "dUp", dUp,
                (i, _) => Units.Single * (Math.Abs(du[i]) + (Roundings + 2) * Math.Abs(d[i] * g[i] * Logistic(g[i])))));
    }

    /// <summary>Error of s (1 + g (1 − s)) in units of float32: 1 − s is exact to 2 u absolutely.</summary>
    internal static double SlopeError(double g) => (Roundings + 2) * Logistic(g) * (1 + Math.Abs(g));

    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void SwiGlu_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Forward(s, rows, cols));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void SwiGluBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Backward(s, rows, cols));
    }

    [Test]
    public void SwiGlu_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Tensor gate = check.Scene.Activation(5, 9), up = check.Scene.Activation(5, 9);
        Tensor y = check.Scene.NewActivation(5, 9);
        check.Check(
            [gate, up], [y], () => check.Backend.SwiGlu(gate, up, y),
            (dy, dx) => check.Backend.SwiGluBackward(gate, up, dy[0], dx[0], dx[1]));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void SwiGlu_MayOverwriteEitherOperand(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        Aliasing.Check(
            backend, types, [(33, 17), (33, 17)], (inputs, y) => backend.SwiGlu(inputs[0], inputs[1], y));
    }

    [Test]
    public void SwiGlu_ReferenceAgreesWithTensorPrimitives()
    {
        using Device device = new(Cases.Open("reference"));
        Scene scene = new(device, Types.Double);
        Tensor gate = scene.Activation(7, 13), up = scene.Activation(7, 13), y = scene.NewActivation(7, 13);
        device.Backend.SwiGlu(gate, up, y);
        double[] expected = new double[91];
        TensorPrimitives.Sigmoid(scene.Drawn(gate), expected);
        TensorPrimitives.Multiply(expected, scene.Drawn(gate), expected);
        TensorPrimitives.Multiply(expected, scene.Drawn(up), expected);
        Assert.That(device.Read(y), Is.EqualTo(expected).Within(1e-14));
    }

    [Test]
    public void SwiGlu_OfWrongShapesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(2, 3)), longer = device.Empty(DType.F32, new Shape(2, 4));
        Assert.Throws<ArgumentException>(() => device.Backend.SwiGlu(x, longer, x));
        Assert.Throws<ArgumentException>(() => device.Backend.SwiGlu(x, x, longer));
        Assert.Throws<ArgumentException>(() => device.Backend.SwiGluBackward(x, x, x, longer, x));
        Assert.Throws<ArgumentException>(() => device.Backend.SwiGluBackward(x, x, longer, x, x));
    }
}
