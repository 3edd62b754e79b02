using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Config;

public sealed class ConfigTextTests
{
    [Test]
    public void ConfigTemplate_ReadsAsAConfiguration()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("run.yaml"), ConfigTemplate.Run());
        File.WriteAllText(folder.At("study.yaml"), ConfigTemplate.Study());
        File.WriteAllText(folder.At("adapters.yaml"), ConfigTemplate.AdapterStudy());
        RunConfig run = RunConfig.Load(folder.At("run.yaml"));
        StudyConfig study = StudyConfig.Load(folder.At("study.yaml"));
        Assert.That(run.Data.Languages, Has.Count.EqualTo(2));
        Assert.That(study.Base.Model.HiddenSize, Is.EqualTo(128));
    }

    [Test]
    public void ConfigTemplate_ExplainsEveryKeyOfARun()
    {
        string[] lines = ConfigTemplate.Run().Split('\n');
        foreach (string key in new[] { "seed:", "max_seq_length:", "learning_rate:", "middle:", "weight:" })
        {
            int at = Array.FindIndex(lines, line => line.TrimStart().StartsWith(key, StringComparison.Ordinal));
            Assert.That(lines[at - 1].TrimStart(), Does.StartWith("# "), key);
        }
    }

    [Test]
    public void ConfigText_QuotesWhatYamlWouldReadDifferently()
    {
        string[] texts =
            ["", "null", "~", "a b", "no", "12", "a: b", "# x", "- a", "é\n\"\\", "'", "{x}", "@a", "*", "a/b.c_d-e"];
        var map = new JsonObject();
        for (int i = 0; i < texts.Length; i++)
            map.Add("k" + i, JsonValue.Create(texts[i]));
        YamlNode root = StrictYaml.Parse(ConfigText.Yaml(map), "x");
        for (int i = 0; i < texts.Length; i++)
            Assert.That(root.Find("k" + i)!.AsText(), Is.EqualTo(texts[i]));
    }

    [TestCase(0.001, "0.001")]
    [TestCase(1e-8, "1e-8")]
    [TestCase(2e-5, "2e-5")]
    [TestCase(1e20, "1e20")]
    [TestCase(2.0, "2")]
    [TestCase(0.1 + 0.2, "0.30000000000000004")]
    public void ConfigText_WritesNumbersThatReadBack(double value, string text)
    {
        string yaml = ConfigText.Yaml(new JsonObject { ["x"] = value });
        Assert.That(yaml, Is.EqualTo($"x: {text}\n"));
        Assert.That(StrictYaml.Parse(yaml, "x").Find("x")!.AsNumber(), Is.EqualTo(value));
    }

    [Test]
    public void Schema_DescribesEveryKeyWithItsTypeAndDefault()
    {
        foreach (string text in new[] { RunConfig.Schema(), StudyConfig.Schema() })
        {
            using JsonDocument schema = JsonDocument.Parse(text);
            Check(schema.RootElement, 0);
        }

        static void Check(JsonElement section, int depth)
        {
            Assert.That(depth, Is.LessThan(8));
            Assert.That(section.GetProperty("additionalProperties").GetBoolean(), Is.False);
            foreach (JsonProperty property in section.GetProperty("properties").EnumerateObject())
            {
                Assert.That(property.Value.GetProperty("description").GetString(), Is.Not.Empty, property.Name);
                if (property.Value.TryGetProperty("properties", out _))
                    Check(property.Value, depth + 1);
            }
        }
    }

    [Test]
    public void Schema_NamesRangesWordsAndDefaults()
    {
        using JsonDocument schema = JsonDocument.Parse(RunConfig.Schema());
        JsonElement keys = schema.RootElement.GetProperty("properties");
        JsonElement training = keys.GetProperty("training").GetProperty("properties");
        Assert.Multiple(() =>
        {
            Assert.That(keys.GetProperty("seed").GetProperty("default").GetInt64(), Is.EqualTo(42));
            Assert.That(training.GetProperty("learning_rate").GetProperty("exclusiveMinimum").GetDouble(), Is.Zero);
            Assert.That(training.GetProperty("scheduler").GetProperty("enum").GetArrayLength(), Is.EqualTo(4));
            Assert.That(keys.TryGetProperty("extends", out _), Is.True);
        });
    }

    [TestCase("training.learning_rate=2e-4", "training.learning_rate: 0.0001 there, 0.0002 here")]
    [TestCase("seed=7", "seed: 42 there, 7 here")]
    [TestCase("model.path=other", "model.path: ")]
    [TestCase("data.languages.hr.weight=0.5", "data.languages.hr.weight: 0.3 there, 0.5 here")]
    [TestCase("data.languages.hr=null", "data.languages.hr: {files: ")]
    [TestCase("data.max_seq_length=128", "data.max_seq_length: 256 there, 128 here")]
    [TestCase("alignment.first_layers=2", "alignment.first_layers: null there, 2 here")]
    [TestCase("alignment.l2_sp={}", "alignment.l2_sp: null there, {first: 0.001")]
    [TestCase("alignment.freeze=middle", "alignment.freeze: null there, {groups: [middle]")]
    public void Fault_C5_ResumeWithAnotherConfiguration_IsRefused(string change, string difference)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("run.yaml"), RunConfigTests.Small);
        RunConfig saved = RunConfig.Load(folder.At("run.yaml"));
        RunConfig now = RunConfig.Load(new ConfigLayers().AddFile(folder.At("run.yaml")).AddSetting(change));
        RunException error = Assert.Throws<RunException>(
            () => ResumePolicy.RequireSame(saved, now, "step-00000010"))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.StartWith("step-00000010: ").And.Contain(difference));
    }

    [Test]
    public void ResumePolicy_RefusesAnotherOrderOfLanguages()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("run.yaml"), RunConfigTests.Small);
        RunConfig saved = RunConfig.Load(folder.At("run.yaml"));
        RunConfig now = saved with { Data = saved.Data with { Languages = [.. saved.Data.Languages.Reverse()] } };
        Assert.That(() => ResumePolicy.RequireSame(saved, now, "x"), Throws.TypeOf<RunException>()
            .With.Message.Contains("data.languages: the order ru, hr there, the order hr, ru here"));
    }

    [Test]
    public void ResumePolicy_AllowsALongerRunElsewhere()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("run.yaml"), RunConfigTests.Small);
        RunConfig now = RunConfig.Load(new ConfigLayers().AddFile(folder.At("run.yaml"))
            .AddSetting("training.max_steps=200").AddSetting("output_dir=x").AddSetting("training.log_steps=1")
            .AddSetting("threads=2"));
        RunConfig saved = RunConfig.Load(folder.At("run.yaml")) with { Precision = Precision.Bf16 };
        Assert.That(() => ResumePolicy.RequireSame(saved, now, "x"), Throws.Nothing);
        Assert.That(() => ResumePolicy.RequireSame(saved, now with { Precision = Precision.Fp32 }, "x"),
            Throws.TypeOf<RunException>().With.Message.Contains("precision: bf16 there, fp32 here"));
    }
}
