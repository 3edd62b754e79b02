using FastCpt.Kernels;
using FastCpt.Kernels.Reference;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class GeluTests
{
    // 0.5 x (1 + erf) cancels for negative x, so errors are relative to x: two roundings before erf, whose slope times
    // its argument stays below 0.5, three in erf, three in the product.
    private const double Roundings = 8;

    internal static OpCase Forward(Scene s, int rows, int cols)
    {
        Tensor x = s.ActivationOf(GeGluTests.GatesWithTails(s, rows * cols), rows, cols);
        Tensor y = s.NewActivation(rows, cols);
        return new OpCase(
            () => s.Backend.Gelu(x, y),
            Output.Each("y", y, (i, _) => Roundings * Units.Single * Math.Abs(s.Drawn(x)[i])));
    }

    internal static OpCase Backward(Scene s, int rows, int cols)
    {
        Tensor x = s.ActivationOf(GeGluTests.GatesWithTails(s, rows * cols), rows, cols);
        Tensor dy = s.Activation(rows, cols), dx = s.Activation(rows, cols);
        double[] d = s.Drawn(dy), old = s.Drawn(dx);
        // The slope is at most 1.13, the larger of its two terms at most 1, and x φ(x) within a few u of 0.25.
        return new OpCase(
            () => s.Backend.GeluBackward(x, dy, dx),
            Output.Each("dx", dx, (i, _) => Units.Single * (Math.Abs(old[i]) + 2 * Roundings * Math.Abs(d[i]))));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Gelu_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Forward(s, rows, cols));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void GeluBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Backward(s, rows, cols));
    }

    [Test]
    public void Gelu_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Tensor x = check.Scene.Activation(6, 11), y = check.Scene.NewActivation(6, 11);
        check.Check(
            [x], [y], () => check.Backend.Gelu(x, y), (dy, dx) => check.Backend.GeluBackward(x, dy[0], dx[0]));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Gelu_MayOverwriteItsOperand(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        Aliasing.Check(backend, types, [(33, 17)], (inputs, y) => backend.Gelu(inputs[0], y));
    }

    // Abramowitz and Stegun, table 7.1 and 7.3, and DLMF 7.23.
    [TestCase(0.1, 0.1124629160182849, 0.8875370839817151)]
    [TestCase(0.5, 0.5204998778130465, 0.4795001221869535)]
    [TestCase(1.0, 0.8427007929497149, 0.1572992070502851)]
    [TestCase(0.99, 0.8385080695553698, 0.1614919304446302)]
    [TestCase(1.9, 0.9927904292352574, 7.209570764742524e-3)]
    [TestCase(2.0, 0.9953222650189527, 4.677734981047266e-3)]
    [TestCase(3.0, 0.9999779095030014, 2.209049699858544e-5)]
    [TestCase(5.0, 0.9999999999984626, 1.5374597944280349e-12)]
    [TestCase(10.0, 1.0, 2.088487583762545e-45)]
    public void ErrorFunction_HasPublishedValues(double x, double erf, double complement)
    {
        Assert.That(ErrorFunction.Value(x), Is.EqualTo(erf).Within(4e-16));
        Assert.That(ErrorFunction.Value(-x), Is.EqualTo(-erf).Within(4e-16));
        Assert.That(ErrorFunction.Complement(x), Is.EqualTo(complement).Within(4e-13).Percent);
        Assert.That(ErrorFunction.Complement(-x), Is.EqualTo(1 + erf).Within(4e-16));
    }

    [Test]
    public void ErrorFunction_IsContinuousWhereTheFormulaChanges()
    {
        double below = ErrorFunction.Complement(Math.BitDecrement(1.0)), above = ErrorFunction.Complement(1);
        Assert.That(below, Is.EqualTo(above).Within(3e-16));
        Assert.That(ErrorFunction.Complement(double.NaN), Is.NaN);
        Assert.That(ErrorFunction.Complement(double.PositiveInfinity), Is.Zero);
        Assert.That(ErrorFunction.Complement(double.NegativeInfinity), Is.EqualTo(2));
    }

    [Test]
    public void Gelu_OfWrongShapesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(2, 3)), longer = device.Empty(DType.F32, new Shape(2, 4));
        Assert.Throws<ArgumentException>(() => device.Backend.Gelu(x, longer));
        Assert.Throws<ArgumentException>(() => device.Backend.GeluBackward(x, longer, x));
        Assert.Throws<ArgumentException>(() => device.Backend.GeluBackward(x, x, longer));
    }
}
