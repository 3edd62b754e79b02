using FastCpt.Engine.Alignment;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Alignment;

public sealed class InterpolateTests
{
    private static readonly LayerGroups Groups = LayerGroups.Of(TinyModels.Layers);
    private static readonly LayerGroup[] EveryGroup = [LayerGroup.First, LayerGroup.Middle, LayerGroup.Last];

    private TinyModels _models = null!;

    [SetUp]
    public void CreateModels() => _models = new TinyModels();

    [TearDown]
    public void RemoveModels() => _models.Dispose();

    [TestCase(DType.BF16)]
    [TestCase(DType.F32)]
    [TestCase(DType.F16)]
    public void Fact05_Interpolate_AtItsEndsCopiesToTheBit(DType type)
    {
        CreateTwo(type);
        Run(LayerGroup.First, 1, "one");
        Run(LayerGroup.First, 0, "zero");
        _models.AssertCopies("one", _ => "trained");
        _models.AssertCopies("zero", name => Groups.GroupOf(name) == LayerGroup.First ? "base" : "trained");
    }

    [Test]
    public void Fact06_MiddleAtZero_IsDenseReverted()
    {
        CreateTwo(DType.BF16);
        Run(LayerGroup.Middle, 0, "zero");
        Revert.Run(_models.Input("trained"), _models.Input("base"), Groups, _models.Output("reverted"));
        _models.AssertCopies("zero", _ => "reverted");
    }

    [TestCase(-0.01)]
    [TestCase(1.01)]
    [TestCase(double.NaN)]
    [TestCase(double.PositiveInfinity)]
    public void Fact07_AlphaOutsideItsRange_IsAnError(double alpha)
    {
        CreateTwo(DType.BF16);
        Assert.That(() => Run(LayerGroup.First, alpha, "out"), Throws.TypeOf<RunException>()
            .With.Message.Contains("expected a number from 0 to 1").And.Property("Code").EqualTo(ExitCode.Config));
        Assert.That(Directory.Exists(_models.At("out")), Is.False);
    }

    // Rounding to float32 moves every number by at most 2^-24 of itself, here below 0.05, so a distance over 35
    // numbers by less than 35^0.5 · 0.05 · 2^-24 = 2e-8; the distance itself is about 0.1.
    [Test]
    public void Fact07_Drift_IsLinearInAlpha()
    {
        CreateTwo(DType.F32);
        const string Tensor = "model.layers.2.mlp.up_proj.weight";
        double full = Distance("trained", Tensor);
        foreach (double alpha in new[] { 0.25, 0.5, 0.75 })
        {
            Run(LayerGroup.Middle, alpha, $"at{alpha}");
            Assert.That(Distance($"at{alpha}", Tensor), Is.EqualTo(alpha * full).Within(2e-8));
        }
    }

    [Test]
    public void Fact08_Sweeps_TouchDisjointTensorsWhoseUnionIsEveryLayerTensor()
    {
        CreateTwo(DType.BF16);
        var trained = _models.Tensors("trained");
        var touched = new List<string>();
        foreach (LayerGroup group in EveryGroup)
        {
            Run(group, 0.5, $"{group}");
            touched.AddRange(_models.Tensors($"{group}")
                .Where(tensor => !tensor.Value.AsSpan().SequenceEqual(trained[tensor.Key]))
                .Select(tensor => tensor.Key));
        }
        Assert.That(touched, Is.Unique);
        Assert.That(touched, Is.EquivalentTo(TinyModels.Names.Where(name => LayerGroups.LayerOf(name) is not null)));
    }

    [Test]
    public void Interpolate_RoundsOnceFromDouble()
    {
        CreateTwo(DType.BF16);
        Run(LayerGroup.Last, 0.25, "out");
        const string Tensor = "model.layers.5.self_attn.q_proj.weight";
        var (from, to) = (_models.Values("base", Tensor), _models.Values("trained", Tensor));
        double[] expected = [.. from.Zip(to, (b, t) => (double)Bf16.ToSingle(Bf16.FromDouble((3 * b + t) / 4)))];
        Assert.That(_models.Values("out", Tensor), Is.EqualTo(expected));
    }

    [Test]
    public void Interpolate_OfAllParameters_MovesTheEmbeddingToo()
    {
        CreateTwo(DType.BF16);
        Interpolate.Run(_models.Input("trained"), _models.Input("base"), LayerSelection.All, 0, _models.Output("out"));
        _models.AssertCopies("out", _ => "base");
    }

    [Test]
    public void Fact12_Transfer_IsInterpolationWithAlphaOneMinusBeta()
    {
        CreateTwo(DType.BF16);
        var band = new LayerSelection(new LayerRange(1, 3));
        Interpolate.Transfer(_models.Input("trained"), _models.Input("base"), band, 0.25, _models.Output("transfer"));
        Interpolate.Run(_models.Input("trained"), _models.Input("base"), band, 0.75, _models.Output("interpolated"));
        _models.AssertCopies("transfer", _ => "interpolated");
    }

    [Test]
    public void Fact12_TransferWithBetaOne_CopiesTheDonorsLayersAndNothingElse()
    {
        CreateTwo(DType.BF16);
        var band = new LayerSelection(new LayerRange(1, 3));
        Interpolate.Transfer(_models.Input("trained"), _models.Input("base"), band, 1, _models.Output("out"));
        _models.AssertCopies("out", name => LayerGroups.LayerOf(name) is 1 or 2 ? "base" : "trained");
    }

    private void CreateTwo(DType type)
    {
        _models.Create("base", 1, type);
        _models.Create("trained", 2, type);
    }

    private void Run(LayerGroup group, double alpha, string output) => Interpolate.Run(
        _models.Input("trained"), _models.Input("base"), new LayerSelection(Groups[group]), alpha,
        _models.Output(output), Groups);

    private double Distance(string model, string tensor) => Math.Sqrt(
        _models.Values(model, tensor).Zip(_models.Values("base", tensor), (a, b) => (a - b) * (a - b)).Sum());
}
