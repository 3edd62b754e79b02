using FastCpt.Engine.Config;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>What a study of adapters will need, before anything is made.</summary>
public sealed class AdapterStudyPlanTests
{
    [Test]
    public void Plan_CountsSharedStatesOnce_AndMakesNothing()
    {
        using var study = new TinyAdapterStudy();
        IReadOnlyList<AdapterPlanRow> rows = AdapterStudyPlan.Of(study.Config(
            "strategies=[mono, multi, vanilla, shared, non_shared]", "mono_seeds=[2]",
            "orders=[given, {other: [en-US, th-TH, de-DE]}]"));
        var byName = rows.ToDictionary(row => row.System);
        Assert.Multiple(() =>
        {
            Assert.That(byName["MONO"].States, Is.EqualTo(6), "three locales, two seeds");
            Assert.That(byName["MULTI"].States, Is.EqualTo(1));
            Assert.That(byName["VANILLA"].States, Is.EqualTo(4), "both orders begin with a state of MONO");
            Assert.That(byName["SHARED r4"].States, Is.EqualTo(4), "both begin with one of NON-SHARED");
            Assert.That(byName["NON-SHARED r4"].States, Is.EqualTo(3));
            Assert.That(byName["NON-SHARED r4"].Updates, Is.EqualTo(3 * 4 * 48 / 8), "epochs times batches");
            Assert.That(byName["MULTI"].Updates, Is.EqualTo(4 * 3 * 48 / 8));
            Assert.That(byName["MULTI"].Flops, Is.GreaterThan(byName["MULTI"].Tokens));
            Assert.That(Directory.Exists(study.Output), Is.False);
        });
    }

    /// <summary>All locales have the same sentences here, and MONO's model of one is asked about no other.</summary>
    [Test]
    public void Plan_ScoresMonoOnItsOwnLocale()
    {
        using var study = new TinyAdapterStudy();
        AdapterPlanRow three = AdapterStudyPlan.Of(study.Config("strategies=[mono]")).Single();
        AdapterPlanRow one = AdapterStudyPlan.Of(study.Config("strategies=[mono]", "data.locales=[en-US]")).Single();
        Assert.That(three.Flops, Is.EqualTo(3 * one.Flops).Within(1e-9).Percent);
    }

    /// <summary>Weights, two moments and the best epoch, twice while one is written, of each learner of a pass.
    /// </summary>
    [Test]
    public void Plan_CountsCheckpointsOfAPass()
    {
        using var study = new TinyAdapterStudy();
        AdapterPlanRow Row(int parallel) => AdapterStudyPlan.Of(study.Config($"parallel_adapters={parallel}")).Single();
        Assert.That(Row(1).CheckpointBytes, Is.EqualTo(2 * 4 * sizeof(float) * Row(1).Trained));
        Assert.That(Row(8).CheckpointBytes, Is.EqualTo(3 * Row(1).CheckpointBytes), "there are three locales");
        Assert.That(Row(8).DiskBytes, Is.EqualTo(Row(1).DiskBytes));
    }

    /// <summary>lora-sharing.md 1.4: 36,000 updates a language at batch 32; 4.4: parameters of 72 layers.</summary>
    [Test]
    public void Plan_OfThePapersSetting_HasItsNumbers()
    {
        string data = TestData.Path("massive");
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("study.yaml"), $$"""
            kind: adapters
            name: paper
            output_dir: out
            data: {files: "{{data}}/{locale}.jsonl.gz", locales: [en-US, zh-CN]}
            tokenizer: {vocabulary_size: 250002}
            base:
              model: {architecture: xlm-roberta, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12,
                      intermediate_size: 3072}
              training: {max_steps: 1}
            strategies: [mono, non_shared]

            """);
        var rows = AdapterStudyPlan.Of(AdapterStudyConfig.Load(folder.At("study.yaml")))
            .ToDictionary(row => row.System);
        Assert.That(rows["MONO"].Updates, Is.EqualTo(2 * 36_000));
        Assert.That(rows["NON-SHARED r32"].DiskBytes, Is.EqualTo(2 * 4 * 5_308_416.0));
        Assert.That(rows["NON-SHARED r64"].DiskBytes, Is.EqualTo(2 * 4 * 10_616_832.0));
        Assert.That(rows["NON-SHARED r256"].DiskBytes, Is.EqualTo(2 * 4 * 42_467_328.0));
        Assert.That(
            (rows["NON-SHARED r64"].Trained, rows["NON-SHARED r64"].PaperCompatible),
            Is.EqualTo((10_616_832, 10_715_136)), "4.4: without and with the pooler's pair");
        Assert.That(rows["MONO"].PaperCompatible, Is.EqualTo(rows["MONO"].Trained));
    }
}
