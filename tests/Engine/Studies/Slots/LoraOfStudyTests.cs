using FastCpt.Engine.Adapters;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Studies.Slots;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Which layers of a study's encoder have adapters, and how large: as in PEFT's settings.</summary>
public sealed class LoraOfStudyTests
{
    [Test]
    public void Recipe_HasTheKeysThatCameLater_OnlyWhereTheyAreGiven()
    {
        var config = new AdapterStudyConfig();
        Assert.That(
            SlotRecipe.OfAdapters(config).ToJsonString(),
            Is.EqualTo("""{"alpha":null,"dropout":0.1,"targets":["query","key","value","dense"]}"""));
        config = config with { Lora = config.Lora with { UseRsLora = true, RankPattern = [new("query", 2)] } };
        Assert.That(
            SlotRecipe.OfAdapters(config).ToJsonString(),
            Is.EqualTo("{\"alpha\":null,\"dropout\":0.1,\"targets\":[\"query\",\"key\",\"value\",\"dense\"],"
                + "\"use_rslora\":true,\"rank_pattern\":{\"query\":2}}"));
    }

    /// <summary>Two blocks of width 24 and inner width 32; the second state goes on from what is stored.</summary>
    [Test, Category("slow")]
    public void PatternsAndExclusions_DecideWhatIsTrainedAndStored()
    {
        using var study = new TinyAdapterStudy();
        AdapterStudyConfig config = study.Config(
            "strategies=[shared]", "orders=[{two: [de-DE, th-TH]}]",
            "lora={ranks: [4], targets: '.*\\.(query|value|dense)', exclude_modules: [output.dense], use_rslora: true, "
            + "rank_pattern: {query: 2}, alpha_pattern: {value: 6}}");
        // query and value 24 to 24, intermediate 24 to 32; both outputs are left out.
        const int Expected = 2 * (2 * (24 + 24) + 4 * (24 + 24) + 4 * (24 + 32));
        Assert.That(AdapterStudyPlan.Of(config).Select(row => row.Trained), Is.EqualTo(new long[] { Expected }));
        AdapterStudyResults results = TinyAdapterStudy.Run(config)!;    // it is not stopped
        Assert.That(results.Sequences.Single().Parameters, Is.EqualTo(Expected));

        string adapter = Path.Combine(study.Output, "seed-1", "rank-4", "shared", "two", "02-th-TH", "adapter");
        using PeftFolder folder = PeftFolder.Open(adapter, _ => { });
        LoraSettings settings = folder.Config.Settings;
        Assert.That((settings.UseRsLora, settings.Rank, settings.Alpha), Is.EqualTo((true, 4, 4.0)));
        using TensorFolder stored = TensorFolder.Open(adapter, _ => { }, "adapter_model");
        Assert.That(
            stored.Entries.Where(entry => entry.Name.EndsWith("layer.1.attention.self.query.lora_A.weight"))
                .Select(entry => entry.Shape), Is.EqualTo(new[] { new long[] { 2, 24 } }));
        Assert.That(stored.Entries.Count(entry => entry.Name.Contains(".lora_A.")), Is.EqualTo(6));
    }
}
