using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class GatedMlpTests
{
    /// <summary>Shape of a layer: rows M, width C, inner width F.</summary>
    public readonly record struct MlpShape(int M, int C, int F, Gate Kind, bool Residual = false, int Rank = 0)
    {
        public static IEnumerable<MlpShape> Biting =>
            from kind in new[] { Gate.GeGlu, Gate.SwiGlu }
            from shape in new MlpShape[]
            {
                new(1, 1, 1, kind), new(0, 8, 8, kind), new(3, 7, 17, kind, Residual: true, Rank: 2),
                new(17, 33, 31, kind, Residual: true), new(19, 70, 131, kind), new(13, 20, 50, kind, Rank: 9),
            }
            select shape;
    }

    internal static OpCase Forward(Scene s, MlpShape shape)
    {
        Layer layer = new(s, shape);
        Tensor x = s.Activation(shape.M, shape.C), y = s.NewActivation(shape.M, shape.C);
        Tensor residual = shape.Residual ? s.Activation(shape.M, shape.C) : Tensor.None;
        Tensor gated = s.NewActivation(shape.M, shape.F), upped = s.NewActivation(shape.M, shape.F);
        Matrix GatedErrors(Units units) => LinearBounds.Forward(s, s.Matrix(x), null, layer.Gate, units);
        Matrix UppedErrors(Units units) => LinearBounds.Forward(s, s.Matrix(x), null, layer.Up, units);
        return new OpCase(
            () => s.Backend.GatedMlp(x, layer.Gate, layer.Up, layer.Down, shape.Kind, residual, gated, upped, y),
            new Output("gated", gated, units => GatedErrors(units).Values),
            new Output("upped", upped, units => UppedErrors(units).Values),
            new Output("y", y, units => Errors(units).Values));

        Matrix Errors(Units units)
        {
            Matrix g = Read(s, gated), u = Read(s, upped), hidden = Hidden(g, u, shape.Kind);
            Matrix hiddenErrors = HiddenErrors(
                g, GatedErrors(units) + units.Activation * g.Absolute(),
                u, UppedErrors(units) + units.Activation * u.Absolute(), shape.Kind);
            hiddenErrors += units.Activation * hidden.Absolute();
            Matrix errors = LinearBounds.Forward(s, hidden, hiddenErrors, layer.Down, units);
            return residual.IsNone ? errors : errors + Units.Single * s.Matrix(residual).Absolute();
        }
    }

    internal static OpCase Backward(Scene s, MlpShape shape)
    {
        Layer layer = new(s, shape);
        LinearWeight gate = LinearParts.Projected(s, layer.Gate, shape.M);
        LinearWeight up = LinearParts.Projected(s, layer.Up, shape.M);
        LinearWeight down = LinearParts.Projected(s, layer.Down, shape.M);
        Tensor x = s.Activation(shape.M, shape.C), dy = s.Activation(shape.M, shape.C);
        Tensor gated = s.Activation(shape.M, shape.F), upped = s.Activation(shape.M, shape.F);
        Tensor dx = s.Activation(shape.M, shape.C);
        LinearGradient dGate = LinearParts.Gradient(s, new(shape.M, shape.F, shape.C, Rank: shape.Rank));
        LinearGradient dUp = LinearParts.Gradient(s, new(shape.M, shape.F, shape.C, Rank: shape.Rank));
        LinearGradient dDown = LinearParts.Gradient(s, new(shape.M, shape.C, shape.F, Rank: shape.Rank));
        return new OpCase(
            () => s.Backend.GatedMlpBackward(
                x, gate, up, down, shape.Kind, gated, upped, dy, dx, dGate, dUp, dDown),
            [
                new Output("dGated", gated, units => Bounds(units).DGatedError.Values),
                new Output("dUpped", upped, units => Bounds(units).DUppedError.Values),
                new Output("dx", dx, units => InputErrors(units).Values),
                .. Parts(s, "gate", gate, dGate, units => new(Gated(units), GatedError(units), s.Matrix(x), null)),
                .. Parts(s, "up", up, dUp, units => new(Upped(units), UppedError(units), s.Matrix(x), null)),
                .. Parts(
                    s, "down", down, dDown,
                    units => new(s.Matrix(dy), null, Bounds(units).Hidden, Bounds(units).HiddenError)),
            ]);

        HiddenBounds Bounds(Units units) =>
            new(s, s.Matrix(gated), s.Matrix(upped), s.Matrix(dy), down, shape.Kind, units);

        Matrix Gated(Units units) => Read(s, gated);

        Matrix Upped(Units units) => Read(s, upped);

        Matrix GatedError(Units units) => Stored(Gated(units), Bounds(units).DGatedError, units);

        Matrix UppedError(Units units) => Stored(Upped(units), Bounds(units).DUppedError, units);

        Matrix InputErrors(Units units)
        {
            Matrix errors = LinearBounds.InputGradient(s, Gated(units), GatedError(units), gate, units)
                + LinearBounds.InputGradient(s, Upped(units), UppedError(units), up, units);
            // Two products are added one after the other, with a rounding to the activations' type between them.
            Matrix between = s.Matrix(dx).Absolute() + Pushed(s, Gated(units).Absolute(), gate, sizes: true);
            return errors + (units.Activation + 2 * Units.Single) * between;
        }
    }

    /// <summary>What the gradients of a layer's parts are made of.</summary>
    private readonly record struct Factors(Matrix Dy, Matrix? DyError, Matrix X, Matrix? XError);

    private static IEnumerable<Output> Parts(
        Scene s, string name, LinearWeight w, LinearGradient d, Func<Units, Factors> factors)
    {
        yield return new Output($"{name}.dWeight", d.Weight, units =>
        {
            Factors f = factors(units);
            Matrix errors = LinearBounds.WeightGradient(f.Dy, f.DyError, f.X, f.XError);
            return (errors + LinearBounds.Adding(s, d.Weight)).Values;
        });
        if (w.Adapter.IsNone)
            yield break;
        double scale = Math.Abs(w.Adapter.Scale);
        yield return new Output($"{name}.dA", d.A, units =>
        {
            // dA = scale · (dy B)ᵀ x, where dy B may be held in the activations' type.
            Factors f = factors(units);
            Matrix b = s.Matrix(w.Adapter.B), projected = f.Dy * b;
            Matrix error = LinearBounds.Product(f.Dy, f.DyError, b.Transposed());
            error += units.Activation * projected.Absolute();
            Matrix errors = scale * LinearBounds.WeightGradient(projected, error, f.X, f.XError);
            return (errors + LinearBounds.Adding(s, d.A)).Values;
        });
        yield return new Output($"{name}.dB", d.B, units =>
        {
            Factors f = factors(units);
            Matrix errors = LinearBounds.WeightGradient(f.Dy, f.DyError, s.Matrix(w.Adapter.Projected));
            return (errors + LinearBounds.Adding(s, d.B)).Values;
        });
    }

    /// <summary>dy W + scale · (dy B) A.</summary>
    /// <param name="sizes">Of the sizes of all factors.</param>
    private static Matrix Pushed(Scene s, Matrix dy, LinearWeight w, bool sizes = false)
    {
        Matrix Of(Tensor tensor) => sizes ? s.Matrix(tensor).Absolute() : s.Matrix(tensor);
        Matrix product = dy * Of(w.Weight);
        return w.Adapter.IsNone
            ? product
            : product + (double)w.Adapter.Scale * (dy * Of(w.Adapter.B) * Of(w.Adapter.A));
    }

    private static Matrix Read(Scene s, Tensor tensor) =>
        new(s.Device.Read(tensor), (int)tensor.Rows, (int)tensor.Cols);

    private static Matrix Stored(Matrix value, Matrix error, Units units) =>
        error + units.Activation * value.Absolute();

    private static Matrix Hidden(Matrix gated, Matrix upped, Gate kind) =>
        gated.Map(g => Activation(g, kind).Value).Zip(upped, (a, u) => a * u);

    private static Matrix HiddenErrors(Matrix gated, Matrix gatedError, Matrix upped, Matrix uppedError, Gate kind)
    {
        double slope = kind == Gate.GeGlu ? GeGluTests.LargestSlope : SwiGluTests.LargestSlope;
        return gatedError.Zip(upped, (e, u) => slope * e * Math.Abs(u))
            + gated.Zip(uppedError, (g, e) => Math.Abs(g) * e)
            + gated.Zip(upped, (g, u) => GeGluTests.Roundings * Units.Single * Math.Abs(g * u));
    }

    /// <summary>The activation and its slope at g, from the textbook formulas.</summary>
    private static (double Value, double Slope) Activation(double g, Gate kind)
    {
        if (kind == Gate.SwiGlu)
        {
            double logistic = 1 / (1 + Math.Exp(-g));
            return (g * logistic, logistic * (1 + g * (1 - logistic)));
        }

        double root = Math.Sqrt(2 / Math.PI), tanh = Math.Tanh(root * (g + 0.044715 * g * g * g));
        double inner = root * (1 + 3 * 0.044715 * g * g);
        return (0.5 * g * (1 + tanh), 0.5 * (1 + tanh) + 0.5 * g * (1 - tanh * tanh) * inner);
    }

    private sealed class Layer(Scene s, MlpShape shape)
    {
        public LinearWeight Gate { get; } = LinearParts.Weight(s, new(shape.M, shape.F, shape.C, Rank: shape.Rank));

        public LinearWeight Up { get; } = LinearParts.Weight(s, new(shape.M, shape.F, shape.C, Rank: shape.Rank));

        public LinearWeight Down { get; } = LinearParts.Weight(s, new(shape.M, shape.C, shape.F, Rank: shape.Rank));
    }

    /// <summary>Errors of what lies between the products of the backward pass.</summary>
    private sealed class HiddenBounds
    {
        public HiddenBounds(
            Scene s, Matrix gated, Matrix upped, Matrix dy, LinearWeight down, Gate kind, Units units)
        {
            Matrix none = gated.Map(_ => 0);
            Hidden = Hidden(gated, upped, kind);
            HiddenError = Stored(Hidden, HiddenErrors(gated, none, upped, none, kind), units);
            Matrix dHidden = Pushed(s, dy, down);
            Matrix dHiddenError = Stored(dHidden, LinearBounds.InputGradient(s, dy, null, down, units), units);
            Matrix slopeErrors = gated.Map(
                g => Units.Single * (kind == Gate.GeGlu ? GeGluTests.SlopeError(g) : SwiGluTests.SlopeError(g)));
            DGatedError = dHiddenError.Zip(gated, (e, g) => e * Math.Abs(Activation(g, kind).Slope))
                .Zip(upped, (e, u) => e * Math.Abs(u))
                + dHidden.Zip(upped, (d, u) => Math.Abs(d * u)).Zip(slopeErrors, (d, e) => d * e);
            DUppedError = dHiddenError.Zip(gated, (e, g) => e * Math.Abs(g))
                + dHidden.Zip(gated, (d, g) => (GeGluTests.Roundings + 2) * Units.Single * Math.Abs(d * g));
        }

        public Matrix Hidden { get; }

        public Matrix HiddenError { get; }

        public Matrix DGatedError { get; }

        public Matrix DUppedError { get; }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void GatedMlp_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (MlpShape shape in MlpShape.Biting)
            Agreement.Check(backend, types, shape, s => Forward(s, shape));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void GatedMlpBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (MlpShape shape in MlpShape.Biting)
            Agreement.Check(backend, types, shape, s => Backward(s, shape));
    }

    [Test]
    public void GatedMlp_GradientAgreesWithDifferences([Values] Gate kind, [Values] bool residual)
    {
        using GradientCheck check = new();
        Scene s = check.Scene;
        Layer layer = new(s, new MlpShape(4, 5, 7, kind, Rank: 2));
        Tensor x = s.Activation(4, 5), y = s.NewActivation(4, 5), carried = residual ? s.Activation(4, 5) : Tensor.None;
        Tensor gated = s.NewActivation(4, 7), upped = s.NewActivation(4, 7);
        LinearWeight gate = layer.Gate, up = layer.Up, down = layer.Down;
        check.Check(
            [
                x, gate.Weight, gate.Adapter.A, gate.Adapter.B, up.Weight, up.Adapter.A, up.Adapter.B,
                down.Weight, down.Adapter.A, down.Adapter.B,
            ],
            [y], () => check.Backend.GatedMlp(x, gate, up, down, kind, carried, gated, upped, y),
            (dy, d) => check.Backend.GatedMlpBackward(
                x, gate, up, down, kind, gated, upped, dy[0], d[0], new LinearGradient(d[1], A: d[2], B: d[3]),
                new LinearGradient(d[4], A: d[5], B: d[6]), new LinearGradient(d[7], A: d[8], B: d[9])));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void GatedMlp_MayOverwriteTheResidual(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        Layer layer = new(s, new MlpShape(37, 21, 45, Gate.SwiGlu));
        Tensor x = s.Activation(37, 21), gated = s.NewActivation(37, 45), upped = s.NewActivation(37, 45);
        Aliasing.Check(
            backend, types, [(37, 21)],
            (inputs, y) => backend.GatedMlp(
                x, layer.Gate, layer.Up, layer.Down, Gate.SwiGlu, inputs[0], gated, upped, y));
    }

    [Test]
    public void GatedMlp_OfWrongShapesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Scene s = new(device, Types.Single);
        Layer layer = new(s, new MlpShape(4, 3, 5, Gate.GeGlu));
        Tensor x = s.Activation(4, 3), gated = s.NewActivation(4, 5), y = s.NewActivation(4, 3);
        Backend b = device.Backend;
        Assert.Throws<ArgumentException>(
            () => b.GatedMlp(x, layer.Gate, layer.Up, layer.Up, Gate.GeGlu, default, gated, gated, y));
        Assert.Throws<ArgumentException>(
            () => b.GatedMlp(x, layer.Gate, layer.Up, layer.Down, Gate.GeGlu, gated, gated, gated, y));
        Assert.Throws<ArgumentException>(
            () => b.GatedMlp(x, layer.Gate, layer.Up, layer.Down, Gate.GeGlu, default, gated, y, y));
        Assert.Throws<ArgumentException>(() => b.GatedMlpBackward(
            x, layer.Gate, layer.Up, layer.Down, Gate.GeGlu, gated, gated, y, gated, default, default, default));
    }
}
