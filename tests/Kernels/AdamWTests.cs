using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

public sealed class AdamWTests
{
    private static readonly AdamWStep Step =
        new(LearningRate: 1e-2f, Beta1: 0.9f, Beta2: 0.999f, Epsilon: 1e-8f, WeightDecay: 0.1f, GradientScale: 0.5f, 3);

    private static IReadOnlyList<int> Lengths => [0, 1, 7, 15, 16, 17, 33, 5000];

    /// <summary>Which tensors an update has: the master's type, a working copy, an anchor's type.</summary>
    public readonly record struct Parts(DType Theta, bool Copy, DType? Anchor);

    public static IEnumerable<object[]> BackendsAndParts =>
        from backend in Cases.AllBackends
        from theta in new[] { DType.F32, DType.BF16 }
        from copy in new[] { false, true }
        from anchor in new DType?[] { null, DType.F32, DType.BF16 }
        select new object[] { backend, new Parts(theta, copy, anchor) };

    /// <summary>The scene's weights are of θ's type, its activations of the anchor's.</summary>
    internal static OpCase Build(Scene s, int length, Parts parts)
    {
        Tensor g = s.Statistic(length), theta = s.Weight(length), m = s.Statistic(length);
        Tensor v = s.StatisticOf([.. s.Normal(length).Select(n => n * n)], length);
        Tensor anchor = parts.Anchor is null ? Tensor.None : s.Activation(length);
        Tensor copy = parts.Copy ? s.Device.Empty(DType.BF16, new Shape(length)) : Tensor.None;
        Pull pull = new(anchor, parts.Anchor is null ? 0 : 0.25f);
        Errors Of(int i) => new(
            s.Drawn(g)[i], s.Drawn(theta)[i], anchor.IsNone ? s.Drawn(theta)[i] : s.Drawn(anchor)[i],
            pull.Strength, s.Drawn(m)[i], s.Drawn(v)[i]);
        Output[] state =
        [
            Output.Each("theta", theta, (i, _) => Of(i).Theta), Output.Each("m", m, (i, _) => Of(i).First),
            Output.Each("v", v, (i, _) => Of(i).Second),
        ];
        // The copy rounds θ as it is stored, so θ's own rounding comes first.
        double CopyError(int i) => Of(i).Theta + 2 * Units.Of(parts.Theta) * Math.Abs(s.Drawn(theta)[i]);
        Output[] refreshed = parts.Copy ? [Output.Each("copy", copy, (i, _) => CopyError(i))] : [];
        return new OpCase(() => s.Backend.AdamW(g, pull, Step, theta, m, v, copy), [.. state, .. refreshed]);
    }

    /// <summary>Errors of float32 in one element's update, by the formula: each step a few u of its terms'
    /// sizes.</summary>
    private readonly struct Errors
    {
        public Errors(double g, double theta, double anchor, double strength, double m, double v)
        {
            double clipped = Step.GradientScale * (Math.Abs(g) + strength * (Math.Abs(theta) + Math.Abs(anchor)));
            double first = Step.Beta1 * Math.Abs(m) + (1 - Step.Beta1) * clipped;
            double exact = Step.GradientScale * (g + strength * (theta - anchor));
            double second = Step.Beta2 * v + (1 - Step.Beta2) * exact * exact;
            First = 6 * Units.Single * first;
            // The clipped gradient may cancel, and its square with it.
            double squareError = 8 * Units.Single * Math.Abs(exact) * clipped + 16 * Units.Single * second;
            Second = (1 - Step.Beta2) * squareError + 4 * Units.Single * second;
            double correction1 = 1 - Math.Pow(Step.Beta1, Step.Step), correction2 = 1 - Math.Pow(Step.Beta2, Step.Step);
            double root = Math.Sqrt(second / correction2) + Step.Epsilon;
            double update = Step.LearningRate / correction1 * first / root;
            Theta = 24 * Units.Single * update + update * Second / Math.Max(second, 1e-30);
            Theta += 2 * Units.Single * Math.Abs(theta);
        }

        public double First { get; }

        public double Second { get; }

        public double Theta { get; }
    }

    [TestCaseSource(nameof(BackendsAndParts))]
    public void AdamW_AgreesWithReference(string name, Parts parts)
    {
        using Backend backend = Cases.Open(name);
        Types types = new(parts.Anchor ?? DType.F32, parts.Theta);
        foreach (int length in Lengths)
            Agreement.Check(backend, types, (length, parts), s => Build(s, length, parts));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void AdamW_FirstUpdateMovesByTheLearningRate(string name)
    {
        using Optimized run = new(name, [1, 1, 1, 1]);
        // m = 0.1 g, v = 0.001 g²: corrected, m̂/√v̂ is the sign of g. Decay is off.
        run.Update([0.5, -0.25, 100, 0], new AdamWStep(0.01f, 0.9f, 0.999f, 1e-8f, 0, 1, 1));
        Assert.That(run.Theta, Is.EqualTo(new[] { 0.99, 1.01, 0.99, 1 }).Within(1e-6));
        Assert.That(run.M, Is.EqualTo(new[] { 0.05, -0.025, 10, 0 }).Within(2e-6));
        // 0.999 in float32 is 1.3e-8 above, so 1 − β₂ is 1.3e-5 below, relatively.
        Assert.That(run.V, Is.EqualTo(new[] { 0.00025, 0.0000625, 10, 0 }).Within(2e-4));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void AdamW_TwoUpdatesHaveHandComputedValues(string name)
    {
        using Optimized run = new(name, [1]);
        AdamWStep step = new(0.1f, 0.9f, 0.999f, 1e-8f, 0.01f, 1, 1);
        run.Update([1], step);
        // 1 · (1 − 0.001) − 0.1 · 1 / (1 + 1e-8).
        Assert.That(run.Theta[0], Is.EqualTo(0.899).Within(1e-6));
        run.Update([-3], step with { Step = 2 });
        // m = 0.9 · 0.1 − 0.1 · 3 = −0.21; m̂ = −0.21/0.19 = −1.1052632;
        // v = 0.999 · 0.001 + 0.001 · 9 = 0.009999; v̂ = 0.009999/0.001999 = 5.0020010, its root 2.2365154;
        // θ = 0.899 · 0.999 + 0.1 · 1.1052632/2.2365154 = 0.898101 + 0.0494190.
        Assert.That(run.M[0], Is.EqualTo(-0.21).Within(1e-6));
        Assert.That(run.V[0], Is.EqualTo(0.009999).Within(2e-7)); // 1 − 0.999 in float32 is 1.3e-5 below, relatively
        Assert.That(run.Theta[0], Is.EqualTo(0.9475200).Within(2e-6));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void AdamW_DecayIsDecoupledFromTheMoments(string name)
    {
        using Optimized run = new(name, [2]);
        run.Update([0], new AdamWStep(0.1f, 0.9f, 0.999f, 1e-8f, 0.5f, 1, 1));
        Assert.That(run.Theta[0], Is.EqualTo(1.9).Within(1e-6)); // 2 · (1 − 0.1 · 0.5)
        Assert.That((run.M[0], run.V[0]), Is.EqualTo((0.0, 0.0)));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void AdamW_PullIsPartOfTheMomentsAndOfClipping(string name)
    {
        using Optimized pulled = new(name, [3, 1]), plain = new(name, [3, 1]);
        AdamWStep step = new(0.1f, 0.9f, 0.999f, 1e-8f, 0, 0.5f, 1);
        // g' = g + 2λ (θ − θ₀): 1 + 0.5 · (3 − 1) = 2 and −1 + 0.5 · (1 − 3) = −2.
        pulled.Update([1, -1], step, anchor: [1, 3], strength: 0.5f);
        plain.Update([2, -2], step);
        Assert.That(pulled.M, Is.EqualTo(plain.M));
        Assert.That(pulled.V, Is.EqualTo(plain.V));
        Assert.That(pulled.Theta, Is.EqualTo(plain.Theta));
        Assert.That(pulled.M, Is.EqualTo(new[] { 0.1, -0.1 }).Within(1e-7)); // clipped by a half
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void AdamW_PullAtTheAnchorOrOfStrengthZeroChangesNoBit(string name)
    {
        double[] start = [3, -0.1, 0.7, 1e-20], gradient = [1, -1, 1e-9, 3];
        using Optimized at = new(name, start), zero = new(name, start), plain = new(name, start);
        at.Update(gradient, Step, anchor: start, strength: 0.5f);
        zero.Update(gradient, Step, anchor: [9, 9, 9, 9], strength: 0);
        plain.Update(gradient, Step);
        Assert.That(at.Theta, Is.EqualTo(plain.Theta));
        Assert.That(zero.Theta, Is.EqualTo(plain.Theta));
        Assert.That(at.V, Is.EqualTo(plain.V));
        Assert.That(zero.V, Is.EqualTo(plain.V));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void AdamW_CopyIsTheStoredWeightRounded(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        Tensor theta = s.Weight(3000), converted = device.Empty(DType.BF16, new Shape(3000));
        Tensor copy = device.Empty(DType.BF16, new Shape(3000));
        Tensor v = s.StatisticOf([.. s.Normal(3000).Select(n => n * n)], 3000);
        backend.AdamW(s.Statistic(3000), default, Step, theta, s.Statistic(3000), v, copy);
        backend.Convert(theta, converted);
        Assert.That(device.Bytes(copy), Is.EqualTo(device.Bytes(converted)));
    }

    [Test]
    public void AdamW_OfWrongShapesOrStepsThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Backend b = device.Backend;
        Tensor g = device.Empty(DType.F32, new Shape(4)), five = device.Empty(DType.F32, new Shape(5));
        Tensor narrow = device.Empty(DType.BF16, new Shape(4)), whole = device.Empty(DType.I32, new Shape(4));
        Assert.Throws<ArgumentException>(() => b.AdamW(g, default, Step, five, g, g, default));
        Assert.Throws<ArgumentException>(() => b.AdamW(g, default, Step, g, five, g, default));
        Assert.Throws<ArgumentException>(() => b.AdamW(g, default, Step, g, g, narrow, default));
        Assert.Throws<ArgumentException>(() => b.AdamW(g, default, Step, g, g, g, g));
        Assert.Throws<ArgumentException>(() => b.AdamW(g, default, Step, whole, g, g, default));
        Assert.Throws<ArgumentException>(() => b.AdamW(g, new Pull(five, 1), Step, g, g, g, default));
        Assert.Throws<ArgumentException>(() => b.AdamW(g, default, Step with { Step = 0 }, g, g, g, default));
    }

    /// <summary>A parameter in F32 with its moments, from zero.</summary>
    private sealed class Optimized : IDisposable
    {
        private readonly Backend _backend;
        private readonly Device _device;
        private readonly Tensor _theta, _m, _v;

        public Optimized(string name, double[] start)
        {
            _backend = Cases.Open(name);
            _device = new Device(_backend);
            Shape shape = new(start.Length);
            _theta = _device.Put(start, DType.F32, shape);
            _m = _device.Put(new double[start.Length], DType.F32, shape);
            _v = _device.Put(new double[start.Length], DType.F32, shape);
        }

        public double[] Theta => _device.Read(_theta);

        public double[] M => _device.Read(_m);

        public double[] V => _device.Read(_v);

        public void Update(double[] gradient, AdamWStep step, double[]? anchor = null, float strength = 0)
        {
            Tensor g = _device.Put(gradient, DType.F32, _theta.Shape);
            Pull pull = anchor is null ? default : new(_device.Put(anchor, DType.F32, _theta.Shape), strength);
            _backend.AdamW(g, pull, step, _theta, _m, _v, Tensor.None);
        }

        public void Dispose()
        {
            _device.Dispose();
            _backend.Dispose();
        }
    }
}
