using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class GeGluTests
{
    /// <summary>Largest slope of gelu in its tanh form, at about 1.41.</summary>
    internal const double LargestSlope = 1.13;

    // 0.5 g (1 + tanh) cancels for negative g, so errors are relative to g itself: three roundings in the argument
    // (its slope times itself stays below 0.5), two in tanh, three in the product.
    internal const double Roundings = 8;

    internal static OpCase Forward(Scene s, int rows, int cols)
    {
        Tensor gate = s.ActivationOf(GatesWithTails(s, rows * cols), rows, cols), up = s.Activation(rows, cols);
        Tensor y = s.NewActivation(rows, cols);
        return new OpCase(
            () => s.Backend.GeGlu(gate, up, y),
            Output.Each("y", y, (i, _) => Roundings * Units.Single * Math.Abs(s.Drawn(gate)[i] * s.Drawn(up)[i])));
    }

    internal static OpCase Backward(Scene s, int rows, int cols)
    {
        Tensor gate = s.ActivationOf(GatesWithTails(s, rows * cols), rows, cols), up = s.Activation(rows, cols);
        Tensor dy = s.Activation(rows, cols), dGate = s.Activation(rows, cols), dUp = s.Activation(rows, cols);
        double[] g = s.Drawn(gate), u = s.Drawn(up), d = s.Drawn(dy), dg = s.Drawn(dGate), du = s.Drawn(dUp);
        return new OpCase(
            () => s.Backend.GeGluBackward(gate, up, dy, dGate, dUp),
            Output.Each(
                "dGate", dGate, (i, _) => Units.Single * (Math.Abs(dg[i]) + SlopeError(g[i]) * Math.Abs(d[i] * u[i]))),
            Output.Each(
                "dUp", dUp, (i, _) => Units.Single * (Math.Abs(du[i]) + (Roundings + 2) * Math.Abs(d[i] * g[i]))));
    }

    /// <summary>Error of gelu'(g) in units of float32: 1 − tanh² is exact to 2 u absolutely, whatever multiplies
    /// it.</summary>
    internal static double SlopeError(double g)
    {
        double inner = Math.Sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * g * g);
        return (Roundings + 2) * (1 + 0.5 * Math.Abs(g) * inner);
    }

    /// <summary>Normal numbers, and where tanh is flat.</summary>
    internal static double[] GatesWithTails(Scene s, int count)
    {
        double[] gates = s.Normal(count);
        for (int i = 0; i < count; i += 5)
            gates[i] *= i % 2 == 0 ? 4 : 30;
        return gates;
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void GeGlu_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Forward(s, rows, cols));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void GeGluBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Backward(s, rows, cols));
    }

    [Test]
    public void GeGlu_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Tensor gate = check.Scene.Activation(5, 9), up = check.Scene.Activation(5, 9);
        Tensor y = check.Scene.NewActivation(5, 9);
        check.Check(
            [gate, up], [y], () => check.Backend.GeGlu(gate, up, y),
            (dy, dx) => check.Backend.GeGluBackward(gate, up, dy[0], dx[0], dx[1]));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void GeGlu_MayOverwriteEitherOperand(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        Aliasing.Check(
            backend, types, [(33, 17), (33, 17)], (inputs, y) => backend.GeGlu(inputs[0], inputs[1], y));
    }

    [Test]
    public void GeGlu_OfKnownValues()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor gate = device.Put([0, 1, -1, 3, -100, 100], DType.F64, new Shape(6));
        Tensor up = device.Put([5, 1, 1, 2, 1, 1], DType.F64, new Shape(6)), y = device.Empty(DType.F64, new Shape(6));
        device.Backend.GeGlu(gate, up, y);
        // 0.5 g (1 + tanh(0.7978845608 (g + 0.044715 g³))), evaluated with Python's math.tanh.
        double[] expected = [0, 0.841191990608, -0.158808009392, 5.992725215836, 0, 100];
        Assert.That(device.Read(y), Is.EqualTo(expected).Within(1e-11));
    }

    [Test]
    public void GeGlu_OfWrongShapesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(2, 3)), longer = device.Empty(DType.F32, new Shape(2, 4));
        Assert.Throws<ArgumentException>(() => device.Backend.GeGlu(x, longer, x));
        Assert.Throws<ArgumentException>(() => device.Backend.GeGlu(x, x, longer));
        Assert.Throws<ArgumentException>(() => device.Backend.GeGluBackward(x, x, x, longer, x));
        Assert.Throws<ArgumentException>(() => device.Backend.GeGluBackward(x, x, longer, x, x));
    }
}
