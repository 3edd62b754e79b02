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

    [TestCase("bottleneck", "bottleneck")]
    [TestCase("prefix", "PREFIX_TUNING")]
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
