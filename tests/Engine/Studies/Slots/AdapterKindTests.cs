using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Studies of seconds with bottlenecks and prefixes in place of low-rank adapters.</summary>
[Category("slow")]
public sealed class AdapterKindTests
{
    /// <summary>Dropout is on, and shared goes on from the adapter of the language before.</summary>
    [TestCase("bottleneck", 4, 2 * (4 * 24 + 4 + 24 * 4 + 24))]
    [TestCase("prefix", 4, 2 * 2 * 4 * 24)]
    public void Adapters_InOnePass_HaveTheBitsOfSingleRuns(string kind, int rank, long count)
    {
        using TinyAdapterStudy study = new();
        string[] settings =
            [$"adapter={kind}", "strategies=[non_shared, shared]", $"lora.ranks=[{rank}]", "training.patience=1"];
        AdapterStudyResults alone = study.Run("alone", settings);
        AdapterStudyResults together = study.Run("together", [.. settings, "parallel_adapters=4"]);
        Dictionary<string, byte[]> expected = study.Weights("alone");
        Assert.That(expected, Has.Count.EqualTo(3 + 2));
        Assert.That(expected.Values.Select(Convert.ToHexString).Distinct().Count(), Is.EqualTo(expected.Count));
        Assert.That(study.Weights("together"), Is.EqualTo(expected));
        Assert.That(AdapterResultsFile.ToText(together), Is.EqualTo(AdapterResultsFile.ToText(alone)));
        LearnedStateFacts state =
            LearnedStateFacts.Load(study.At($"alone/seed-1/rank-{rank}/non_shared/en-US"));
        Assert.That(state.BodyParameters, Is.EqualTo(count));
    }

    /// <summary>Fusions of all languages' bottlenecks, which stay as they are.</summary>
    [Test]
    public void Fusion_IsOfWhatNonSharedHasTrained_InOnePassToTheBitsOfSingleRuns()
    {
        using TinyAdapterStudy study = new();
        string[] kind = ["adapter=bottleneck", "lora.ranks=[4]"];
        study.Run("bottlenecks", [.. kind, "strategies=[non_shared]"]);
        AdapterStudyResults alone = study.Run("alone", [.. kind, "strategies=[fusion]"]);
        AdapterStudyResults together = study.Run(
            "together", [.. kind, "strategies=[non_shared, fusion]", "parallel_adapters=3"]);
        Dictionary<string, byte[]> weights = study.Weights("alone");
        Assert.That(weights, Has.Count.EqualTo(3 + 3));
        Assert.That(study.Weights("together"), Is.EqualTo(weights));
        foreach (var (name, bytes) in study.Weights("bottlenecks"))
            Assert.That(weights[name], Is.EqualTo(bytes), name);

        string folder = study.At("alone/seed-1/rank-4/fusion/th-TH/adapter");
        Assert.That(BlockAdapterFolder.Describe(folder).Kind, Is.EqualTo("fusion"));
        Assert.That(BlockAdapterFolder.Describe(folder).Sizes, Is.EqualTo(new[] { 4, 4, 4 }));
        SingleResult fusion = together.Fusions.Single();
        Assert.That(fusion.F1, Is.EqualTo(alone.Fusions.Single().F1));
        Assert.That(fusion.F1.Keys, Is.EquivalentTo(TinyAdapterStudy.Locales));
        const int Bottleneck = 2 * (4 * 24 + 4 + 24 * 4 + 24), Fusion = 2 * 3 * 24 * 24;
        Assert.That(fusion.Parameters, Is.EqualTo(3 * (Bottleneck + Fusion)));
        double stored = weights.Where(file => file.Key.Contains("/fusion/")).Sum(file => file.Value.Length);
        AdapterPlanRow planned = AdapterStudyPlan.Of(study.Config([.. kind, "strategies=[fusion]"]))
            .Single(row => row.System == "FUSION r4");
        Assert.That(planned.DiskBytes, Is.InRange(0.5 * stored, stored), "heads and names come on top");
        Assert.That(AdapterStudyTables.ToText(together), Does.Contain("FUSION r4"));
        string file = study.At("together/results.json");
        Assert.That(
            AdapterResultsFile.ToText(AdapterResultsFile.Load(file)), Is.EqualTo(AdapterResultsFile.ToText(together)));
    }

    [Test]
    public void Fusion_OfOtherAdaptersThanBottlenecks_IsRefused_AndPlannedOfThose()
    {
        using TinyAdapterStudy study = new();
        var refused = Assert.Throws<RunException>(() => study.Config("strategies=[fusion]"));
        Assert.That(refused.Message, Does.Contain("bottleneck"));
        var rows = AdapterStudyPlan.Of(study.Config("adapter=bottleneck", "strategies=[fusion]"))
            .ToDictionary(row => row.System);
        Assert.That(rows.Keys, Is.EquivalentTo(new[] { "NON-SHARED r4", "FUSION r4" }));
        Assert.That(rows["FUSION r4"].States, Is.EqualTo(3));
        Assert.That(rows["FUSION r4"].Flops, Is.GreaterThan(rows["NON-SHARED r4"].Flops));
    }

    [TestCase("bottleneck", "bottleneck")]
    [TestCase("prefix", "prefix")]
    public void AdapterOfAStudy_IsInspected_AndNotTakenForLoRA(string kind, string word)
    {
        using TinyAdapterStudy study = new();
        study.Run("out", $"adapter={kind}", "strategies=[shared]", "orders=[{one: [de-DE]}]", "lora.ranks=[4]");
        string folder = study.At("out/seed-1/rank-4/non_shared/de-DE/adapter");
        Call call = Call.Of("inspect", folder);
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        Assert.That(
            call.Output, Does.Contain($"adapter: {word}").And.Contain("size: 4").And.Contain("locale: de-DE"));
        var refused = Assert.Throws<RunException>(() => PeftFolder.Open(folder, _ => { }));
        Assert.That(refused.Message, Does.Contain(word));
    }

    /// <summary>Artefacts of one kind are never taken for those of another.</summary>
    [Test]
    public void Kind_IsPartOfWhatAStateIsMadeFrom()
    {
        using TinyAdapterStudy study = new();
        study.Run("out", "adapter=bottleneck");
        byte[] bottleneck = study.Adapter("out", "seed-1/rank-4/non_shared/en-US");
        study.Run("out", "adapter=lora");
        byte[] lora = study.Adapter("out", "seed-1/rank-4/non_shared/en-US");
        Assert.That(lora, Is.Not.EqualTo(bottleneck));
        study.Run("out");
        Assert.That(study.Adapter("out", "seed-1/rank-4/non_shared/en-US"), Is.EqualTo(lora));
        Assert.That(study.Config().Adapter, Is.EqualTo(AdapterKind.Lora));
    }
}
