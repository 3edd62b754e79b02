using FastCpt.Engine.Alignment;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using NUnit.Framework.Constraints;

namespace FastCpt.Tests.Engine.Alignment;

public sealed class SoupTests
{
    private static readonly LayerGroups Groups = LayerGroups.Of(TinyModels.Layers);

    private TinyModels _models = null!;

    [SetUp]
    public void CreateModels() => _models = new TinyModels();

    [TearDown]
    public void RemoveModels() => _models.Dispose();

    [TestCase(DType.BF16, 3)]
    [TestCase(DType.BF16, 5)]
    [TestCase(DType.F32, 5)]
    [TestCase(DType.F32, 7)]
    [TestCase(DType.F16, 6)]
    public void Fact09_SoupOfCopies_IsTheCopyToTheBit(DType type, int count)
    {
        MergeInput[] copies = [.. Enumerable.Range(0, count).Select(i => _models.Create($"copy{i}", 1, type))];
        Soup.Run(copies, _models.Output("soup"));
        _models.AssertCopies("soup", _ => "copy0");
    }

    [Test]
    public void Fact09_SoupOfCopies_KeepsTheSignOfZero()
    {
        MergeInput[] copies = [.. Enumerable.Range(0, 3).Select(i => _models.Constant($"copy{i}", -0.0))];
        Soup.Run(copies, _models.Output("soup"));
        _models.AssertCopies("soup", _ => "copy0");
    }

    [Test]
    public void Fact09_Soup_DoesNotDependOnOrderOrRepetition()
    {
        MergeInput[] experts = CreateExperts(5);
        Soup.Run(experts, _models.Output("soup"));
        Soup.Run([.. experts.Reverse(), experts[2], experts[0]], _models.Output("again"));
        _models.AssertCopies("again", _ => "soup");
        Assert.That(File.ReadAllBytes(_models.At("again/merge.json")),
            Is.EqualTo(File.ReadAllBytes(_models.At("soup/merge.json"))));
    }

    [Test]
    public void Fact09_SoupOfOne_IsThatExpert()
    {
        Soup.Run(CreateExperts(1), _models.Output("soup"));
        _models.AssertCopies("soup", _ => "expert0");
    }

    [Test]
    public void Soup_RoundsTheExactMeanOnce()
    {
        MergeInput[] experts = CreateExperts(3);
        Soup.Run(experts, _models.Output("soup"));
        foreach (string name in TinyModels.Names)
        {
            double[][] values = [.. experts.Select(expert => _models.Values(expert.Id, name))];
            double[] soup = _models.Values("soup", name);
            for (int i = 0; i < soup.Length; i++)
            {
                double mean = (double)(values.Sum(v => (decimal)v[i]) / 3);
                Assert.That(soup[i], Is.EqualTo((double)Bf16.ToSingle(Bf16.FromDouble(mean))), $"{name} {i}");
            }
        }
    }

    // The mean of five times 1 and five times 1 + 1/128 is halfway between these BF16 numbers, and the tie goes to 1,
    // whose last bit is even. A tenth is no double: a sum of products with it comes out 2^-52 above the tie.
    [Test]
    public void Soup_BreaksTiesToEven()
    {
        MergeInput[] experts = [.. Enumerable.Range(0, 10).Select(
            i => _models.Constant($"expert{i}", i < 5 ? 1 : 1 + 2 / 256.0))];
        Soup.Run(experts, _models.Output("soup"));
        Assert.That(_models.Values("soup", "model.norm.weight"), Is.All.EqualTo(1.0));
    }

    [Test]
    public void Fact10_Soup_AtTheEndsOfAlphaIsSoupOrAnchor()
    {
        MergeInput[] experts = CreateExperts(3);
        MergeInput anchor = _models.Create("anchor", 99);
        Soup.Run(experts, _models.Output("soup"));
        Soup.Run(experts, anchor, LayerSelection.All, 1, _models.Output("one"));
        Soup.Run(experts, anchor, LayerSelection.All, 0, _models.Output("zero"));
        _models.AssertCopies("one", _ => "soup");
        _models.AssertCopies("zero", _ => "anchor");
    }

    // Soup and blend are rounded to float32, numbers here are below 0.05: each by at most 2^-24 · 0.05 / 2 = 1.5e-9.
    [Test]
    public void Fact11_SweepOfAll_IsTheLineFromBaseToSoup()
    {
        MergeInput[] experts = CreateExperts(4, DType.F32);
        MergeInput source = _models.Create("base", 99, DType.F32);
        Soup.Run(experts, _models.Output("soup"));
        Soup.Run(experts, source, LayerSelection.All, 0.4, _models.Output("sweep"));
        foreach (string name in TinyModels.Names)
        {
            var (from, to) = (_models.Values("base", name), _models.Values("soup", name));
            double[] line = [.. from.Zip(to, (b, s) => b + 0.4 * (s - b))];
            Assert.That(_models.Values("sweep", name), Is.EqualTo(line).Within(4e-9));
        }
    }

    [TestCase(LayerGroup.First)]
    [TestCase(LayerGroup.Middle)]
    [TestCase(LayerGroup.Last)]
    public void Soup_SweepOfAGroup_InterpolatesEveryExpertsGroup(LayerGroup group)
    {
        MergeInput[] experts = CreateExperts(2, DType.F32);
        MergeInput source = _models.Create("base", 99, DType.F32);
        var selection = new LayerSelection(Groups[group]);
        foreach (MergeInput expert in experts)
            Interpolate.Run(expert, source, selection, 0.25, _models.Output("moved-" + expert.Id));
        Soup.Run([.. experts.Select(expert => _models.Input("moved-" + expert.Id))], _models.Output("expected"));
        Soup.Run(experts, source, selection, 0.25, _models.Output("sweep"));
        foreach (string name in TinyModels.Names)
            Assert.That(_models.Values("sweep", name),
                Is.EqualTo(_models.Values("expected", name)).Within(4e-9), name);
    }

    [Test]
    public void Fact41_DriftOfTheSoup_IsAtMostTheMeanOfTheExpertsDrifts()
    {
        MergeInput[] experts = CreateExperts(5, DType.F32);
        _models.Create("base", 99, DType.F32);
        Soup.Run(experts, _models.Output("soup"));
        for (int layer = 0; layer < TinyModels.Layers; layer++)
            Assert.That(Drift("soup", layer), Is.LessThanOrEqualTo(experts.Average(e => Drift(e.Id, layer)) + 1e-9));
    }

    [Test]
    public void Soup_RefusesWhatItCannotMix()
    {
        MergeInput[] experts = CreateExperts(2);
        MergeOutput output = _models.Output("out");
        Assert.That(() => Soup.Run([], output), Refusal("at least one expert"));
        Assert.That(() => Soup.Run(experts, null, LayerSelection.All, 0.5, output), Refusal("no anchor"));
        Assert.That(() => Soup.Run([experts[0], experts[1] with { Id = "expert0" }], output),
            Refusal("Two experts have the id 'expert0'"));
        Assert.That(Directory.Exists(_models.At("out")), Is.False);
    }

    private static IResolveConstraint Refusal(string reason) =>
        Throws.TypeOf<RunException>().With.Message.Contains(reason).And.Property("Code").EqualTo(ExitCode.Config);

    private MergeInput[] CreateExperts(int count, DType type = DType.BF16) =>
        [.. Enumerable.Range(0, count).Select(i => _models.Create($"expert{i}", 10 + i, type))];

    private double Drift(string model, int layer) => Math.Sqrt(TinyModels.Names
        .Where(name => LayerGroups.LayerOf(name) == layer)
        .Sum(name => _models.Values(model, name).Zip(_models.Values("base", name), (a, b) => (a - b) * (a - b)).Sum()));
}
