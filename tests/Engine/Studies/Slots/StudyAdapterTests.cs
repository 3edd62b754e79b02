using System.Text.Json;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>What a study leaves is an adapter like any other: shown, scored, merged, held against its base.</summary>
[Category("slow")]
public sealed class StudyAdapterTests
{
    [Test]
    public void AdapterOfAStudy_IsInspected_Scored_AndMerged()
    {
        using var study = new TinyAdapterStudy();
        AdapterStudyConfig config = study.Config("strategies=[shared]", "orders=[{two: [de-DE, th-TH]}]");
        TinyAdapterStudy.Run(config);
        string adapter = Path.Combine(study.Output, "seed-1", "rank-4", "shared", "two", "02-th-TH", "adapter");
        string origin = Path.Combine(study.Output, "base", "final");
        string tokenizer = Path.Combine(study.Output, "tokenizer");

        AdapterState state = AdapterState.Read(adapter)!;       // the study has written it
        Assert.Multiple(() =>
        {
            Assert.That(state.Strategy, Is.EqualTo("shared"));
            Assert.That(state.Locale, Is.EqualTo("th-TH"));
            Assert.That(state.Order, Is.EqualTo(new[] { "de-DE", "th-TH" }));
            Assert.That(state.Step, Is.EqualTo(2));
            Assert.That(state.Seed, Is.EqualTo(1));
            Assert.That(state.Labels, Is.EqualTo(LabelMap.Bio.Names));
            Assert.That(state.Base, Is.EqualTo(AdapterState.HashesOf(origin)));
            Assert.That(state.TestF1.Keys, Is.EquivalentTo(new[] { "de-DE", "th-TH" }), "those of its sequence");
            Assert.That(File.ReadAllBytes(Path.Combine(adapter, AdapterState.FileName)), Is.EqualTo(state.ToBytes()));
        });

        Call call = Call.Of("inspect", adapter, "--json");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        using JsonDocument facts = JsonDocument.Parse(call.Output);
        Assert.That(facts.RootElement.GetProperty("locale").GetString(), Is.EqualTo("th-TH"));
        Assert.That(facts.RootElement.GetProperty("base").GetString(), Is.EqualTo(origin));

        var warnings = new List<string>();
        Open(origin, adapter, tokenizer, warnings, otherBase: false).Dispose();
        Assert.That(warnings, Has.One.Contains("head").And.None.Contains("other values"));
        string merged = study.At("merged");
        MergeLora.Run(new MergeInput("base", origin), adapter, new MergeOutput(merged));
        using (ModelFolder folder = ModelFolder.Open(merged, _ => { }))
            Assert.That(folder.Config, Is.TypeOf<EncoderConfig>());

        // Fact 38: the merged model is another base than the adapter's.
        var refused = Assert.Throws<RunException>(() => Open(merged, adapter, tokenizer, warnings, otherBase: false));
        Assert.That(refused.Message, Does.Contain("base's weights").And.Contain("--other-base"));
        Open(merged, adapter, tokenizer, warnings, otherBase: true).Dispose();
        Assert.That(warnings, Has.One.Contains("base's weights"));
        Assert.Throws<RunException>(
            () => MergeLora.Run(new MergeInput("base", merged), adapter, new MergeOutput(study.At("no"))));
        var other = Assert.Throws<RunException>(
            () => state.Require(adapter, state.Base, LabelMap.Types.Names, "00", warn: null));
        Assert.That(other.Message, Does.Contain("labels").And.Contain("the tokenizer"));
    }

    private static ModelEvaluation Open(
        string folder, string adapter, string tokenizer, List<string> warnings, bool otherBase) => new(
        folder, tokenizer, "cpu", threads: 1, Precision.Fp32, context: 16, batchTokens: 32, warnings.Add, adapter,
        otherBase);
}
