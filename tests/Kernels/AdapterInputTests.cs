using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

/// <summary>An adapter whose input is not the layer's: x after dropout.</summary>
public sealed class AdapterInputTests
{
    private static IReadOnlyList<LinearShape> Shapes =>
        [.. LinearShape.Biting.Where(shape => shape.Rank > 0), new(40, 70, 50, Rank: 32)];

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void Linear_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LinearShape shape in Shapes)
            Agreement.Check(backend, types, shape, s => Forward(s, shape));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LinearShape shape in Shapes)
            Agreement.Check(backend, types, shape, s => Backward(s, shape));
    }

    [Test]
    public void Linear_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Scene s = check.Scene;
        Tensor x = s.Activation(5, 6), input = s.Activation(5, 6), y = s.NewActivation(5, 7);
        LinearWeight w = OfInput(LinearParts.Weight(s, new(5, 7, 6, Bias: true, Rank: 3)), input);
        check.Check(
            [x, w.Weight, w.Bias, w.Adapter.A, w.Adapter.B, input], [y], () => check.Backend.Linear(x, w, y),
            (dy, d) => check.Backend.LinearBackward(
                x, w, dy[0], d[0], new LinearGradient(d[1], d[2], d[3], d[4], d[5])));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void TheLayersInput_GivesTheBitsOfNone(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        LinearShape shape = new(19, 35, 22, Bias: true, Rank: 3);
        Tensor x = s.Activation(shape.M, shape.K), dy = s.Activation(shape.M, shape.N);
        LinearWeight plain = LinearParts.Weight(s, shape), own = OfInput(plain, x);
        Assert.That(Run(own), Is.EqualTo(Run(plain)));

        double[] Run(LinearWeight w)
        {
            Tensor y = s.NewActivation(shape.M, shape.N);
            LinearGradient d = LinearParts.Gradient(s, shape) with { Overwrites = true };
            backend.Linear(x, w, y);
            backend.LinearBackward(x, w, dy, Tensor.None, d);
            return [.. device.Read(y), .. device.Read(d.A), .. device.Read(d.B)];
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearResidual_AddsToTheSame(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        Tensor x = s.Activation(9, 22), input = s.Activation(9, 22), zeros = s.NewActivation(9, 35);
        Tensor y = s.NewActivation(9, 35), z = s.NewActivation(9, 35);
        LinearWeight w = OfInput(LinearParts.Weight(s, new(9, 35, 22, Rank: 3)), input);
        backend.Fill(0, zeros);
        backend.Linear(x, w, y);
        backend.LinearResidual(x, w, zeros, z);
        Assert.That(device.Read(z), Is.EqualTo(device.Read(y)));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void GatedMlp_IsMadeOfSuchLayers(string name, Types types)
    {
        const int Rows = 9, Width = 22, Inner = 35;
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        Tensor x = s.Activation(Rows, Width), input = s.Activation(Rows, Width), dy = s.Activation(Rows, Width);
        LinearWeight gate = OfInput(LinearParts.Weight(s, new(Rows, Inner, Width, Rank: 3)), input);
        LinearWeight up = new(s.Weight(Inner, Width)), down = new(s.Weight(Width, Inner));
        Tensor gated = s.NewActivation(Rows, Inner), upped = s.NewActivation(Rows, Inner);
        Tensor alone = s.NewActivation(Rows, Inner);
        backend.GatedMlp(x, gate, up, down, Gate.SwiGlu, Tensor.None, gated, upped, s.NewActivation(Rows, Width));
        backend.Linear(x, gate, alone);
        Assert.That(device.Read(gated), Is.EqualTo(device.Read(alone)));

        // Parameters' gradients are overwritten, the input's is added to, as another layer may share it.
        double[] before = s.Normal(Rows, Width);
        LinearGradient d = Gradient(), expected = Gradient();
        backend.GatedMlpBackward(x, gate, up, down, Gate.SwiGlu, gated, upped, dy, Tensor.None, d, default, default);
        // In place of gate x lies its gradient now.
        backend.LinearBackward(x, gate, gated, Tensor.None, expected);
        Assert.That(device.Read(d.A), Is.EqualTo(device.Read(expected.A)));
        Assert.That(device.Read(d.B), Is.EqualTo(device.Read(expected.B)));
        Assert.That(device.Read(d.Input), Is.EqualTo(device.Read(expected.Input)));

        LinearGradient Gradient() => new(
            A: s.NewStatistic(3, Width), B: s.NewStatistic(Inner, 3), Input: s.ActivationOf(before, Rows, Width),
            Overwrites: true);
    }

    [Test]
    public void AnInputThatCannotBe_IsRefused()
    {
        using Device device = new(Cases.Open("reference"));
        Scene s = new(device, Types.Single);
        LinearShape shape = new(4, 6, 5, Rank: 2);
        Tensor x = s.Activation(4, 5), y = s.Activation(4, 6), wrong = s.Activation(3, 5);
        LinearWeight w = LinearParts.Weight(s, shape);
        Assert.Throws<ArgumentException>(() => device.Backend.Linear(x, OfInput(w, wrong), y));
        Assert.Throws<ArgumentException>(
            () => device.Backend.LinearBackward(x, w, y, Tensor.None, new LinearGradient(Input: x)));
        LinearWeight wide = new(s.Weight(6, 5)), down = LinearParts.Weight(s, new(4, 5, 6, Rank: 2));
        Tensor gated = s.Activation(4, 6), upped = s.Activation(4, 6), hidden = s.Activation(4, 6);
        Assert.Throws<ArgumentException>(() => device.Backend.GatedMlp(
            x, wide, wide, OfInput(down, hidden), Gate.SwiGlu, Tensor.None, gated, upped, s.NewActivation(4, 5)));
    }

    private static OpCase Forward(Scene s, LinearShape shape)
    {
        Tensor x = s.Activation(shape.M, shape.K), input = s.Activation(shape.M, shape.K);
        Tensor y = s.NewActivation(shape.M, shape.N);
        LinearWeight w = OfInput(LinearParts.Weight(s, shape), input), frozen = new(w.Weight, w.Bias);
        return new OpCase(() => s.Backend.Linear(x, w, y), new Output("y", y, units =>
        {
            // The low-rank term goes on in the chain of the rest, so it rounds all that is there.
            Matrix rest = s.Matrix(x).Absolute() * s.Matrix(w.Weight).Absolute().Transposed();
            Matrix errors = LinearBounds.Forward(s, s.Matrix(x), null, frozen, units)
                + LinearBounds.LowRank(s, s.Matrix(input), null, w.Adapter, units);
            return (errors + (shape.Rank + 2) * Units.Single * rest).Values;
        }));
    }

    private static OpCase Backward(Scene s, LinearShape shape)
    {
        Tensor x = s.Activation(shape.M, shape.K), input = s.Activation(shape.M, shape.K);
        Tensor dy = s.Activation(shape.M, shape.N), dx = s.Activation(shape.M, shape.K);
        LinearWeight w = LinearParts.Projected(s, OfInput(LinearParts.Weight(s, shape), input), shape.M);
        LinearWeight frozen = new(w.Weight);
        LinearGradient d = new(A: s.Statistic(shape.Rank, shape.K), Input: s.Activation(shape.M, shape.K));
        return new OpCase(
            () => s.Backend.LinearBackward(x, w, dy, dx, d),
            new Output("dx", dx, units => (LinearBounds.InputGradient(s, s.Matrix(dy), null, frozen, units)
                + LinearBounds.Adding(s, dx)).Values),
            new Output("dInput", d.Input, units =>
                (LinearBounds.LowRankInputGradient(s, s.Matrix(dy), null, w.Adapter, units)
                    + LinearBounds.Adding(s, d.Input)).Values),
            new Output("dA", d.A, units => (LinearTests.DownErrors(s, input, dy, w, units)
                + LinearBounds.Adding(s, d.A)).Values));
    }

    private static LinearWeight OfInput(LinearWeight w, Tensor input) =>
        w with { Adapter = w.Adapter with { Input = input } };
}
