using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;
using FsCheck;
using FsCheck.Fluent;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace FastCpt.Tests.Kernels;

public sealed class LinearTests
{
    private const int DrawnShapes = 25;

    internal static OpCase Forward(Scene s, LinearShape shape)
    {
        Tensor x = s.Activation(shape.M, shape.K), y = s.NewActivation(shape.M, shape.N);
        LinearWeight w = LinearParts.Weight(s, shape);
        Output output = new("y", y, units => LinearBounds.Forward(s, s.Matrix(x), null, w, units).Values);
        Action run = () => s.Backend.Linear(x, w, y);
        return w.Adapter.IsNone
            ? new OpCase(run, output)
            : new OpCase(run, output, new Output("projected", w.Adapter.Projected, _ => ProjectedErrors(s, x, w)));
    }

    private static double[] ProjectedErrors(Scene s, Tensor x, LinearWeight w) =>
        (Math.Abs(w.Adapter.Scale) * LinearBounds.Product(s.Matrix(x), null, s.Matrix(w.Adapter.A))).Values;

    internal static OpCase Backward(Scene s, LinearShape shape, Func<LinearGradient, LinearGradient>? wanted = null)
    {
        Tensor x = s.Activation(shape.M, shape.K), dy = s.Activation(shape.M, shape.N);
        Tensor dx = s.Activation(shape.M, shape.K);
        LinearWeight w = LinearParts.Projected(s, LinearParts.Weight(s, shape), shape.M);
        LinearGradient all = LinearParts.Gradient(s, shape), dw = wanted is null ? all : wanted(all);
        List<Output> outputs = [new("dx", dx, units => InputErrors(s, dy, w, dx, units))];
        Add("dWeight", all.Weight, dw.Weight, _ => LinearBounds.WeightGradient(s.Matrix(dy), null, s.Matrix(x)));
        Add("dBias", all.Bias, dw.Bias, _ => BiasErrors(s.Matrix(dy)));
        Add("dA", all.A, dw.A, units => DownErrors(s, x, dy, w, units));
        Add("dB", all.B, dw.B, _ => UpErrors(s, dy, w));
        return new OpCase(() => s.Backend.LinearBackward(x, w, dy, dx, dw), [.. outputs]);

        void Add(string name, Tensor gradient, Tensor asked, Func<Units, Matrix> errors)
        {
            if (!gradient.IsNone)
                outputs.Add(new Output(name, gradient, units => asked.IsNone
                    ? new double[gradient.Length] // not asked for, so as it was
                    : (errors(units) + LinearBounds.Adding(s, gradient)).Values));
        }
    }

    private static double[] InputErrors(Scene s, Tensor dy, LinearWeight w, Tensor dx, Units units) =>
        (LinearBounds.InputGradient(s, s.Matrix(dy), null, w, units) + LinearBounds.Adding(s, dx)).Values;

    /// <summary>dA = scale · (dy B)ᵀ x, where dy B may be held in the activations' type.</summary>
    internal static Matrix DownErrors(Scene s, Tensor x, Tensor dy, LinearWeight w, Units units) =>
        DownErrors(s, s.Matrix(x), s.Matrix(dy), w, units);

    internal static Matrix DownErrors(Scene s, Matrix x, Matrix dy, LinearWeight w, Units units)
    {
        Matrix b = s.Matrix(w.Adapter.B), projected = dy * b;
        Matrix error = LinearBounds.Product(dy, null, b.Transposed());
        error += units.Activation * projected.Absolute();
        return Math.Abs(w.Adapter.Scale) * LinearBounds.WeightGradient(projected, error, x);
    }

    /// <summary>dB = dyᵀ projected.</summary>
    private static Matrix UpErrors(Scene s, Tensor dy, LinearWeight w) =>
        LinearBounds.WeightGradient(s.Matrix(dy), null, s.Matrix(w.Adapter.Projected));

    /// <summary>dBias = Σ rows of dy.</summary>
    private static Matrix BiasErrors(Matrix dy) =>
        LinearBounds.WeightGradient(new Matrix([.. Enumerable.Repeat(1.0, dy.Rows)], dy.Rows, 1), null, dy);

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void Linear_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LinearShape shape in LinearShape.Biting)
            Agreement.Check(backend, types, shape, s => Forward(s, shape));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LinearShape shape in LinearShape.Biting)
            Agreement.Check(backend, types, shape, s => Backward(s, shape));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void Linear_AgreesWithReferenceOnDrawnShapes(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        Gen<LinearShape> shapes =
            from sides in Gen.Choose(1, 50).Three()
            from bias in Gen.Elements(true, false)
            from rank in Gen.Frequency((2, Gen.Constant(0)), (1, Gen.Choose(1, 20)))
            select new LinearShape(sides.Item1, sides.Item2, sides.Item3, bias, rank);
        Prop.ForAll(shapes.ToArbitrary(), shape =>
        {
            Agreement.Check(backend, types, shape, s => Forward(s, shape));
            Agreement.Check(backend, types, shape, s => Backward(s, shape));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(DrawnShapes).WithReplay(2026, 11));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearBackward_LeavesUnwantedGradientsOut(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        LinearShape shape = new(19, 35, 21, Bias: true, Rank: 3);
        Agreement.Check(backend, types, "no dWeight", s => Backward(s, shape, all => all with { Weight = default }));
        Agreement.Check(backend, types, "no dBias", s => Backward(s, shape, all => all with { Bias = default }));
        Agreement.Check(backend, types, "no dA", s => Backward(s, shape, all => all with { A = default }));
        Agreement.Check(backend, types, "no dB", s => Backward(s, shape, all => all with { B = default }));
        Agreement.Check(backend, types, "dx alone", s => Backward(s, shape, _ => default));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Linear_OfBrainActivationsCanYieldSingles(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Brain);
        Tensor x = s.Activation(9, 50), y = device.Empty(DType.F32, new Shape(9, 21));
        LinearWeight w = new(s.Weight(21, 50));
        backend.Linear(x, w, y);
        Matrix want = s.Matrix(x) * s.Matrix(w.Weight).Transposed();
        Matrix errors = LinearBounds.Forward(s, s.Matrix(x), null, w, new Units(Units.Single));
        Agreement.Compare("F32 of BF16", device.Read(y), want.Values, errors.Values, Units.Single);
    }

    [Test]
    public void Linear_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        LinearShape shape = new(5, 7, 6, Bias: true, Rank: 3);
        Tensor x = check.Scene.Activation(5, 6), y = check.Scene.NewActivation(5, 7);
        LinearWeight w = LinearParts.Weight(check.Scene, shape);
        check.Check(
            [x, w.Weight, w.Bias, w.Adapter.A, w.Adapter.B], [y], () => check.Backend.Linear(x, w, y),
            (dy, d) => check.Backend.LinearBackward(x, w, dy[0], d[0], new LinearGradient(d[1], d[2], d[3], d[4])));
    }

    [Test]
    public void Linear_ReferenceAgreesWithTensorPrimitives()
    {
        using Device device = new(Cases.Open("reference"));
        Scene s = new(device, Types.Double);
        Tensor x = s.Activation(3, 41), w = s.Weight(5, 41), y = s.NewActivation(3, 5);
        device.Backend.Linear(x, new LinearWeight(w), y);
        double[] expected = new double[15];
        for (int i = 0; i < expected.Length; i++)
            expected[i] = TensorPrimitives.Dot<double>(
                s.Drawn(x).AsSpan(i / 5 * 41, 41), s.Drawn(w).AsSpan(i % 5 * 41, 41));
        Assert.That(device.Read(y), Is.EqualTo(expected).Within(1e-13));
    }

    [Test]
    public void Linear_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Backend b = device.Backend;
        Tensor Of(DType type, params long[] shape) => device.Empty(type, new Shape(shape));
        Tensor x = Of(DType.F32, 4, 3), y = Of(DType.F32, 4, 2), wide = Of(DType.F64, 2, 3), five = Of(DType.F32, 5, 2);
        LinearWeight w = new(Of(DType.F32, 2, 3)), turned = new(Of(DType.F32, 3, 2));
        LowRank adapter = new(Of(DType.F32, 1, 3), Of(DType.F32, 2, 1), 1, Of(DType.F32, 4, 1));
        Assert.Throws<ArgumentException>(() => b.Linear(x, turned, y));
        Assert.Throws<ArgumentException>(() => b.Linear(x, w, five));
        Assert.Throws<ArgumentException>(() => b.Linear(x, new LinearWeight(wide), y));
        Assert.Throws<ArgumentException>(() => b.Linear(x, w with { Bias = Of(DType.F32, 3) }, y));
        Assert.Throws<ArgumentException>(() => b.Linear(x, w with { Adapter = adapter with { A = adapter.B } }, y));
        Assert.Throws<ArgumentException>(
            () => b.Linear(x, w with { Adapter = adapter with { Projected = Of(DType.BF16, 4, 1) } }, y));
        Assert.Throws<ArgumentException>(() => b.LinearBackward(x, w, five, x, default));
        Assert.Throws<ArgumentException>(() => b.LinearBackward(x, w, y, y, default));
        Assert.Throws<ArgumentException>(() => b.LinearBackward(x, w, y, x, new LinearGradient(turned.Weight)));
        Assert.Throws<ArgumentException>(
            () => b.LinearBackward(x, w, y, x, new LinearGradient(A: adapter.A, B: adapter.B)));
        Assert.Throws<ArgumentException>(
            () => b.LinearBackward(x, w, y, x, new LinearGradient(Bias: Of(DType.BF16, 2))));
    }

    /// <summary>A NaN or an infinity of x or of the residual stays in its own row of y, on tiles whole and ragged.
    /// </summary>
    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearResidual_PassesOnWhatIsNotFinite(string name, Types types)
    {
        const int M = 30, N = 37, K = 8;
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        double[] inputs = new double[M * K], residuals = new double[M * N];
        Array.Fill(inputs, 0.5);
        (inputs[3 * K], inputs[4 * K + 1], residuals[20 * N + 5]) =
            (double.NaN, double.PositiveInfinity, double.NegativeInfinity);
        Tensor x = s.ActivationOf(inputs, M, K), residual = s.ActivationOf(residuals, M, N);
        Tensor w = s.WeightOf([.. Enumerable.Repeat(0.25, N * K)], N, K), y = s.NewActivation(M, N);
        backend.LinearResidual(x, new LinearWeight(w), residual, y);
        double[] results = device.Read(y);
        for (int i = 0; i < results.Length; i++)
            Assert.That(results[i], Is.EqualTo(
                i / N == 3 ? double.NaN : i / N == 4 ? double.PositiveInfinity
                : i == 20 * N + 5 ? double.NegativeInfinity : 1), $"row {i / N}, column {i % N}");
        device.CheckBorders();
    }
}
