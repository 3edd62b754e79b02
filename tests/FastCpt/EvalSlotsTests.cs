using System.Text.Json;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Tests.Engine.Studies.Slots;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

/// <summary>Slot F1 by the command, of what a study of seconds has learned over a trimmed encoder.</summary>
[Category("slow")]
public sealed class EvalSlotsTests
{
    private const string Shared = "lora/seed-1/rank-4/shared/two/02-th-TH", Mono = "lora/seed-1/mono/th-TH",
        Bottleneck = "bottleneck/seed-1/rank-4/non_shared/de-DE";

    private static readonly string[] Settings =
        ["strategies=[mono, shared]", "keep=all", "orders=[{two: [de-DE, th-TH]}]", "trim_vocabulary=true"];

    private TinyAdapterStudy _study = null!; // OneTimeSetUp makes it

    [OneTimeSetUp]
    public void MakeStudies()
    {
        _study = new TinyAdapterStudy();
        _study.Run("lora", Settings);
        _study.Run(
            "bottleneck", "adapter=bottleneck", "strategies=[mono, non_shared]", "keep=all", "data.locales=[de-DE]");
    }

    [OneTimeTearDown]
    public void RemoveStudies() => _study.Dispose();

    /// <summary>The encoder is the one that the adapter names.</summary>
    [Test]
    public void Eval_OfLora_HasTheScoresOfItsStudy()
    {
        Call call = Eval();
        Assert.That(call.Error, Does.Not.Contain("other values"));
        RequireScores(call, Shared, "de-DE", "th-TH");
    }

    [Test]
    public void Eval_OfABottleneck_HasTheScoresOfItsStudy() => RequireScores(
        Eval(
            "--adapter", $"@/{Bottleneck}/adapter", "--model", "@/bottleneck/base/final", "--tokenizer",
            "@/bottleneck/tokenizer", "--locales", "de-DE"),
        Bottleneck, "de-DE");

    [Test]
    public void Eval_OfAWholeModel_HasTheScoresOfItsStudy() => RequireScores(
        Eval(
            "--adapter", "", "--model", "@/bottleneck/seed-1/mono/de-DE/model", "--tokenizer",
            "@/bottleneck/tokenizer", "--locales", "de-DE"),
        "bottleneck/seed-1/mono/de-DE", "de-DE");

    /// <summary>Files, encoder, tokenizer and how sentences are read come from there.</summary>
    [TestCase("--adapter", Shared + "/adapter", Shared)]
    [TestCase("--model", Mono + "/model", Mono)]
    public void Eval_WithTheStudysConfiguration_NeedsNoOtherOption(string option, string folder, string state)
    {
        Call call = Call.Of(
        [
            "eval", _study.At("study.yaml"), option, _study.At(folder), "--locales", "th-TH", "--json",
            .. Settings.Append($"output_dir={_study.At("lora")}").SelectMany(it => new[] { "--set", it }),
        ]);
        RequireScores(call, state, "th-TH");
    }

    [Test]
    public void Eval_ShowsATable_OfThePartitionThatIsAskedFor()
    {
        Call call = Eval("--json", "", "--partition", "train", "--locales", "th-TH,en-US");
        string[][] lines =
            [.. call.Output.TrimEnd().Split('\n').Select(line => line.Split("  ", StringSplitOptions.TrimEntries
                | StringSplitOptions.RemoveEmptyEntries))];
        Assert.That(lines[0], Is.EqualTo(
            new[] { "locale", "F1", "strict F1", "precision", "recall", "sentences", "words" }), call.Error);
        Assert.That(
            lines[1..].Select(line => (line[0], line[5])), Is.EqualTo(new[] { ("th-TH", "48"), ("en-US", "48") }));
    }

    [Test]
    public void Fact38_AnotherLabelListOrBase_IsRefused_OrAllowed()
    {
        string renamed = _study.At("renamed");
        Directory.CreateDirectory(renamed);
        foreach (string file in Directory.GetFiles(_study.At($"{Shared}/adapter")))
            File.Copy(file, Path.Combine(renamed, Path.GetFileName(file)));
        AdapterState state = AdapterState.Read(renamed)!;       // the study has written it
        string about = Path.Combine(renamed, AdapterState.FileName);
        File.WriteAllBytes(about, (state with { Labels = [.. state.Labels.Reverse()] }).ToBytes());
        RequireSwitch("the list of labels", "--adapter", "@/renamed");
        RequireSwitch(
            "the base's weights and the tokenizer", "--model", "@/lora/base/final");

        File.Delete(about);
        Call unknown = Eval("--adapter", "@/renamed");
        Assert.That(unknown.Error, Does.Contain(AdapterState.FileName).And.Contain("in the order O, B-"));
        RequireScores(unknown, Shared, "de-DE", "th-TH");
    }

    [TestCase(ExitCode.Config, "'xx-XX' is none of the 52 locales", "--locales", "de-DE,xx-XX")]
    [TestCase(ExitCode.Usage, "different locales", "--locales", "de-DE,de-DE")]
    [TestCase(ExitCode.Config, "fr-FR.jsonl: there is no such file", "--locales", "de-DE,fr-FR")]
    [TestCase(ExitCode.Usage, "{locale}", "--slots", "@/massive/de-DE.jsonl")]
    [TestCase(ExitCode.Usage, "labels", "--labels", "bioo")]
    [TestCase(ExitCode.ModelFile, "the list of labels", "--labels", "official")]
    [TestCase(ExitCode.ModelFile, "[111], expected [56]", "--labels", "official", "--other-base", "true")]
    [TestCase(ExitCode.ModelFile, "no such folder", "--adapter", "@/nothing")]
    [TestCase(ExitCode.ModelFile, "as --model", "--adapter", "@/" + Bottleneck + "/adapter")]
    [TestCase(ExitCode.ModelFile, "neither an adapter nor", "--adapter", "", "--model", "@/lora/trimmed/final")]
    [TestCase(ExitCode.ModelFile, "no encoder such as xlm-roberta", "--model", "@/decoder")]
    [TestCase(ExitCode.Usage, "give --adapter", "--adapter", "")]
    [TestCase(ExitCode.Usage, "test_rows", "--max-documents", "3")]
    [TestCase(ExitCode.Usage, "--locales: needs --slots", "--slots", "")]
    public void Eval_Refused_SaysWhy(ExitCode code, string reason, params string[] options)
    {
        Directory.CreateDirectory(_study.At("decoder"));
        File.WriteAllText(_study.At("decoder/config.json"), """{"model_type": "llama"}""");
        Call call = Eval(options);
        Assert.That(call.Code, Is.EqualTo(code), call.Error);
        Assert.That(call.Error, Does.Contain(reason));
        Assert.That(call.Output, Is.Empty);
    }

    [Test]
    public void Eval_WithoutAConfiguration_OrWithThatOfARun_EndsWith2()
    {
        File.WriteAllText(_study.At("run.yaml"), "seed: 1\n");
        Assert.That(Call.Of("eval").Error, Does.Contain("--slots"));
        Call call = Call.Of("eval", _study.At("run.yaml"), "--slots", _study.At("massive/{locale}.jsonl"));
        Assert.That((call.Code, call.Error.Contains("kind: adapters")), Is.EqualTo((ExitCode.Usage, true)), call.Error);
    }

    /// <summary>Without the switch it is refused, with it there is a warning.</summary>
    private void RequireSwitch(string difference, params string[] options)
    {
        Call refused = Eval(options), allowed = Eval([.. options, "--other-base", "true"]);
        Assert.That(refused.Code, Is.EqualTo(ExitCode.ModelFile), refused.Error);
        Assert.That(refused.Error, Does.Contain(difference).And.Contain("--other-base"));
        Assert.That(allowed.Code, Is.EqualTo(ExitCode.Done), allowed.Error);
        Assert.That(allowed.Error, Does.Contain(difference));
    }

    private void RequireScores(Call call, string state, params string[] locales)
    {
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        using JsonDocument json = JsonDocument.Parse(call.Output);
        Assert.That(json.RootElement.GetProperty("complete").GetBoolean());
        JsonElement[] found = [.. json.RootElement.GetProperty("locales").EnumerateArray()];
        Assert.That(found.Select(it => it.GetProperty("locale").GetString()), Is.EqualTo(locales));
        IReadOnlyDictionary<string, SlotScore> studied = SlotStateScores.Load(_study.At($"{state}/scores")).Test;
        Assert.That(studied[locales[^1]].F1, Is.Positive);
        foreach (JsonElement it in found)
        {
            var score = new SlotScore(
                it.GetProperty("f1").GetDouble(), it.GetProperty("strict_f1").GetDouble(),
                it.GetProperty("precision").GetDouble(), it.GetProperty("recall").GetDouble(),
                it.GetProperty("gold").GetInt64(), it.GetProperty("predicted").GetInt64(),
                it.GetProperty("correct").GetInt64());
            Assert.That(score, Is.EqualTo(studied[it.GetProperty("locale").GetString()!])); // compared above
            Assert.That(it.GetProperty("sentences").GetInt32(), Is.EqualTo(16));
        }
    }

    /// <summary>The LoRA adapter of the study, but for these options; empty takes one away, @ is the study's folder.
    /// </summary>
    private Call Eval(params string[] options)
    {
        var values = new Dictionary<string, string>
        {
            ["--slots"] = "@/massive/{locale}.jsonl", ["--locales"] = "de-DE,th-TH", ["--json"] = "true",
            ["--adapter"] = $"@/{Shared}/adapter", ["--tokenizer"] = "@/lora/tokenizer",
        };
        for (int i = 0; i < options.Length; i += 2)
            values[options[i]] = options[i + 1];
        return Call.Of(
        [
            "eval", "--set", "data.max_length=24", "--set", "device=cpu", "--set", "threads=1",
            .. values.Where(pair => pair.Value.Length > 0).SelectMany(pair => new[]
            {
                pair.Key, pair.Value.Replace("@", _study.Folder, StringComparison.Ordinal),
            }),
        ]);
    }
}
