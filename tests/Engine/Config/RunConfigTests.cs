using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Config;

public sealed class RunConfigTests
{
    internal const string Small = """
        output_dir: runs/x
        model: {path: base}
        data:
          languages:
            ru: {files: [ru.jsonl.gz], weight: 0.7}
            hr: {files: [hr.jsonl.gz], weight: 0.3, budget_tokens: 1000}
        training:
          max_steps: 100
          learning_rate: 1e-4

        """;

    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void RunConfig_FillsDefaultsAndResolvesPathsAtItsFile()
    {
        RunConfig config = RunConfig.Load(Written("run.yaml", Small));
        Assert.Multiple(() =>
        {
            Assert.That(config.OutputDir, Is.EqualTo(_folder.At("runs/x")));
            Assert.That(config.Model.Path, Is.EqualTo(_folder.At("base")));
            Assert.That(config.Tokenizer, Is.EqualTo(_folder.At("base")));
            Assert.That(config.Seed, Is.EqualTo(42));
            Assert.That(config.Precision, Is.EqualTo(Precision.Auto));
            Assert.That(config.Data.Packing, Is.EqualTo(PackingMode.Isolated));
            Assert.That(config.Data.Languages.Select(language => language.Name), Is.EqualTo(new[] { "ru", "hr" }));
            Assert.That(config.Data.Languages[0].Files, Is.EqualTo(new[] { _folder.At("ru.jsonl.gz") }));
            Assert.That(config.Data.Languages[1].BudgetTokens, Is.EqualTo(1000));
            Assert.That(config.Training.LearningRate, Is.EqualTo(1e-4));
            Assert.That(config.Training.AdamBeta2, Is.EqualTo(0.999));
            Assert.That(config.Training.EarlyStopping, Is.Null);
            Assert.That(config.Alignment.L2Sp, Is.Null);
        });
    }

    [Test]
    public void RunConfig_YamlAndJsonReadBackToTheSameValues()
    {
        string rich = Small + """
            alignment:
              first_layers: 2
              freeze: [first, middle]
              l2_sp: {middle: 0.5, multiplier: 12}
            """;
        RunConfig config = RunConfig.Load(Written("run.yaml", rich));
        string yaml = config.ToYaml();
        RunConfig fromYaml = RunConfig.Load(Written("shown.yaml", yaml));
        RunConfig fromJson = RunConfig.Load(Written("shown.json", config.ToJson().ToJsonString()));
        RunConfig fromRecord = RunConfig.Load(
            Written("run.json", $"{{\"tool\": \"x\", \"config\": {config.ToJson().ToJsonString()}}}"));
        Assert.Multiple(() =>
        {
            Assert.That(fromYaml.ToYaml(), Is.EqualTo(yaml));
            Assert.That(fromJson.ToYaml(), Is.EqualTo(yaml));
            Assert.That(fromRecord.ToYaml(), Is.EqualTo(yaml));
            Assert.That(yaml, Does.Contain("  adam_epsilon: 1e-8\n").And.Contain("    groups: [first, middle]\n"));
            Assert.That(config.Alignment.L2Sp!.Other, Is.EqualTo(0.001));
        });
    }

    [TestCase("middle", "middle")]
    [TestCase("[first, last]", "first, last")]
    [TestCase("{groups: [middle], mlp_only: true}", "middle")]
    public void RunConfig_ReadsFreezeInItsShortForms(string freeze, string groups)
    {
        RunConfig config = RunConfig.Load(Written("run.yaml", Small + $"alignment: {{freeze: {freeze}}}\n"));
        Assert.That(string.Join(", ", config.Alignment.Freeze!.Groups).ToLowerInvariant(), Is.EqualTo(groups));
    }

    [Test]
    public void RunConfig_ReadsARangeOfLayers()
    {
        RunConfig config = RunConfig.Load(Written("run.yaml", Small + "alignment: {freeze: {from: 5, to: 10}}\n"));
        Assert.That((config.Alignment.Freeze!.From, config.Alignment.Freeze.To), Is.EqualTo((5, 10)));
    }

    [Test]
    public void RunConfig_CompletesARecipeByItsArchitecture()
    {
        const string Sizes = "hidden_size: 64, num_hidden_layers: 6, num_attention_heads: 4, intermediate_size: 128";
        string text = Small.Replace("{path: base}", $"{{architecture: gemma3, {Sizes}, num_key_value_heads: 2}}",
            StringComparison.Ordinal) + "tokenizer: tok\n";
        ModelSource gemma = RunConfig.Load(Written("gemma.yaml", text)).Model;
        ModelSource llama = RunConfig.Load(Written("llama.yaml",
            text.Replace("gemma3", "llama", StringComparison.Ordinal))).Model;
        Assert.Multiple(() =>
        {
            Assert.That(gemma.HeadDim, Is.EqualTo(16));
            Assert.That(gemma.SlidingWindowPattern, Is.EqualTo(6));
            Assert.That(gemma.RopeTheta, Is.EqualTo(1e6));
            Assert.That(gemma.TieWordEmbeddings, Is.True);
            Assert.That(gemma.VocabSize, Is.Null);
            Assert.That(llama.SlidingWindow, Is.Null);
            Assert.That(llama.RopeTheta, Is.EqualTo(1e4));
            Assert.That(llama.TieWordEmbeddings, Is.False);
        });
    }

    [TestCase("training:\n", "training:\n  batch_size: 1048576\n", "1048576 times data.max_seq_length 256")]
    [TestCase("data:\n", "data:\n  packing: wrapped\n  max_seq_length: 2\n", "a row has 3 tokens or more")]
    public void RunConfig_RefusesSizesThatCannotBe(string part, string replacement, string reason)
    {
        string path = Written("run.yaml", Small.Replace(part, replacement, StringComparison.Ordinal));
        RunException error = Assert.Throws<RunException>(() => RunConfig.Load(path))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.Contain(reason));
    }

    private static readonly object[] Refused =
    [
        new object[] { "sed: 1\n", "11:1", "the key 'sed' is unknown. Did you mean 'seed'?" },
        new object[] { "xyzzyx: 1\n", "11:1", "Known here: output_dir, seed" },
        new object[] { "seed: 1e3\n", "11:7", "a whole number" },
        new object[] { "seed: -1\n", "11:7", "from 0 to" },
        new object[] { "threads: no\n", "11:10", "a whole number" },
        new object[] { "precision: fp31\n", "11:12", "Did you mean 'fp32'?" },
        new object[] { "device: [cpu]\n", "11:9", "expected text" },
        new object[] { "alignment: {l2_sp: {first: -0.1}}\n", "11:28", "from 0 to" },
        new object[] { "alignment: {l2_sp: {first: 1e999}}\n", "11:28", "finite" },
        new object[] { "alignment: {l2_sp: {firts: 1}}\n", "11:21", "Did you mean 'first'?" },
        new object[] { "alignment: {freeze: {from: 5}}\n", "11:28", "both from and to" },
        new object[] { "alignment: {freeze: {from: 5, to: 4}}\n", "11:35", "ends before layer 5" },
        new object[] { "alignment: {freeze: [middle, middle]}\n", "11:21", "twice" },
        new object[] { "alignment: {freeze: []}\n", "11:21", "empty" },
        new object[] { "alignment: {freeze: outer}\n", "11:21", "first, middle or last" },
    ];

    [TestCaseSource(nameof(Refused))]
    public void RunConfig_RefusesWithPlaceAndSuggestion(string added, string place, string reason)
    {
        string path = Written("run.yaml", Small + "\n" + added);
        RunException error = Assert.Throws<RunException>(() => RunConfig.Load(path))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
            Assert.That(error.Message, Does.StartWith($"{path}:{place}: ").And.Contain(reason));
        });
    }

    private static readonly object[] Contradictions =
    [
        new object[] { "  max_steps: 100", "  log_steps: 5", "give max_steps or max_tokens" },
        new object[] { "  max_steps: 100", "  max_steps: 100\n  max_tokens: 5", "give one of the two" },
        new object[] { "  max_steps: 100", "  max_steps: 100\n  warmup_steps: 101", "101 steps of warm-up" },
        new object[] { "  max_steps: 100", "  max_steps: 100\n  min_learning_rate: 1", "above the learning rate" },
        new object[] { "  max_steps: 100", "  max_steps: 100\n  decay_steps: 1", "only the scheduler wsd" },
        new object[] { "  max_steps: 100", "  max_steps: 100\n  scheduler: wsd", "needs the number" },
        new object[] { "  max_steps: 100", "  max_steps: 1\n  early_stopping: {}\n  eval_steps: 0", "eval_steps is 0" },
        new object[] { "output_dir: runs/x\n", "", "the key 'output_dir' is missing" },
        new object[] { "{path: base}", "{}", "either the path of a model or an architecture" },
        new object[] { "{path: base}", "{path: base, head_dim: 8}", "either a path or a recipe" },
        new object[] { "{path: base}", "{architecture: llama, hidden_size: 8}", "needs this size" },
        new object[] { "[hr.jsonl.gz]", "[]", "the list is empty" },
        new object[] { "[hr.jsonl.gz]", "hr.jsonl.gz", "expected a list" },
        new object[] { "budget_tokens: 1000", "budget_tokens: 1, budget_bytes: 1", "give one of the two" },
        new object[] { "    hr:", "    ../hr:", "expected a name" },
        new object[] { "weight: 0.3", "weight: 0", "above 0" },
    ];

    [TestCaseSource(nameof(Contradictions))]
    public void RunConfig_RefusesContradictions(string part, string replacement, string reason)
    {
        string path = Written("run.yaml", Small.Replace(part, replacement, StringComparison.Ordinal));
        Assert.That(() => RunConfig.Load(path), Throws.TypeOf<RunException>()
            .With.Message.StartsWith(path + ":").And.Message.Contains(reason));
    }

    private string Written(string name, string text)
    {
        File.WriteAllText(_folder.At(name), text);
        return _folder.At(name);
    }
}
