using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Config;

public sealed class AdapterStudyConfigTests
{
    private const string Small = """
        kind: adapters
        name: small
        output_dir: runs/small
        data:
          files: texts/{locale}.jsonl
          locales: [en-US, de-DE, zh-CN]
        base: {model: {path: models/base}}

        """;

    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void AdapterStudy_HasThePapersValues_WhereNoneAreGiven()
    {
        AdapterStudyConfig study = AdapterStudyConfig.Load(Written(Small));
        Assert.Multiple(() =>
        {
            Assert.That(study.Strategies, Has.Count.EqualTo(5).And.None.EqualTo(SharingStrategy.Grouped));
            Assert.That(study.Lora.Ranks, Is.EqualTo(new[] { 32, 64, 256 }));
            Assert.That(study.Lora.Alpha, Is.Null);
            Assert.That(study.Training.Epochs, Is.EqualTo(100));
            Assert.That(study.Training.LearningRate, Is.EqualTo(5e-6));
            Assert.That(study.Orders.Select(order => order.Name), Is.EqualTo(new[] { "given" }));
            Assert.That(study.Untrained, Is.EqualTo(UntrainedPolicy.Latest));
        });
    }

    [TestCase("{locale}.jsonl")]
    [TestCase("{locale}.jsonl.gz")]
    public void FileOf_TakesWhatIsThere_AndFirstWhatIsSaid(string files)
    {
        var data = new SlotDataConfig { Files = _folder.At(files) };
        Assert.That(
            () => data.FileOf("de-DE"),
            Throws.TypeOf<RunException>().With.Message.Contains("there is no such file, nor de-DE.jsonl"));
        string said = _folder.At(files.Replace("{locale}", "de-DE", StringComparison.Ordinal));
        string other = _folder.At(said.EndsWith(".gz", StringComparison.Ordinal) ? "de-DE.jsonl" : "de-DE.jsonl.gz");
        File.WriteAllText(other, "");
        Assert.That(data.FileOf("de-DE"), Is.EqualTo(other));
        File.WriteAllText(said, "");
        Assert.That(data.FileOf("de-DE"), Is.EqualTo(said));
    }

    [Test]
    public void AdapterStudy_PresetGivesWhatIsNotGiven()
    {
        AdapterStudyConfig study = AdapterStudyConfig.Load(
            Written(Small + "training: {epochs: 7, preset: fast}\n"));
        Assert.That(study.Training, Is.EqualTo(SlotTrainingConfig.Of(SlotPreset.Fast) with { Epochs = 7 }));
    }

    [TestCase("")]
    [TestCase("orders: [p1, destructive_last, {mine: [zh-CN, en-US]}]\n")]
    [TestCase("strategies: [grouped]\ngrouping: {by: list, groups: "
        + "{latin: {locales: [en-US, de-DE]}, han: {locales: [zh-CN]}}}\n")]
    [TestCase("lora: {targets: '.*\\.(query|value)', use_rslora: true, exclude_modules: [key], "
        + "rank_pattern: {query: 2}, alpha_pattern: {'layer\\.0\\..*': 4}}\n")]
    [TestCase("lora: {targets: all-linear, layers_to_transform: [0, 2], layers_pattern: [layer]}\n")]
    [TestCase("training: {preset: smoke, patience: 0}\nmono_seeds: [2, 3]\ninit_seed: 5\n")]
    public void AdapterStudy_ReadsBackWhatItShows(string more)
    {
        string yaml = AdapterStudyConfig.Load(Written(Small + more)).ToYaml();
        Assert.That(AdapterStudyConfig.Load(Written(yaml)).ToYaml(), Is.EqualTo(yaml));
    }

    [TestCase("kind: adapters", "kind: adapter", "expected adapters")]
    [TestCase("kind: adapters\n", "", "the key 'kind' is missing")]
    [TestCase("{locale}", "all", "has no {locale}")]
    [TestCase("de-DE, zh-CN", "en-US", "names a locale twice")]
    [TestCase("name: small", "name: small\nseeds: []", "the list is empty")]
    [TestCase("name: small", "name: small\nmono_seeds: [1]", "runs every strategy already")]
    [TestCase("name: small", "name: small\nmono_seeds: [2]\nstrategies: [multi]", "mono is not among")]
    [TestCase("name: small", "name: small\nstrategies: [shard]", "Did you mean 'shared'?")]
    [TestCase("name: small", "name: small\norders: [p4]", "Did you mean")]
    [TestCase("name: small", "name: small\norders: [p1, p1]", "names an order twice")]
    [TestCase("name: small", "name: small\norders: [{p1: [en-US]}]", "known already")]
    [TestCase("name: small", "name: small\norders: [{mine: [en-US, en-US]}]", "names a locale twice")]
    [TestCase("name: small", "name: small\norders: [{mine: [fr-FR]}]", "'fr-FR', which is not among data.locales")]
    [TestCase("name: small", "name: small\norders: [{a: [en-US], b: [en-US]}]", "a map of one name")]
    [TestCase("name: small", "name: small\nlora: {ranks: [8, 8]}", "names a rank twice")]
    [TestCase("name: small", "name: small\nlora: {targets: []}", "at least one linear layer")]
    [TestCase("name: small", "name: small\nadapter: prefix\nlora: {use_rslora: true}", "adapter is prefix")]
    [TestCase("name: small", "name: small\nadapter: bottleneck\nlora: {rank_pattern: {key: 2}}",
        "adapter is bottleneck")]
    [TestCase("name: small", "name: small\ngrouping: {by: list}", "groups are given with by: list")]
    [TestCase("name: small", "name: small\ngrouping: {groups: {a: {locales: [en-US]}}}", "groups are given with")]
    [TestCase("name: small", "name: small\ngrouping: {by: list, groups: {a: {locales: [en-US]}}}", "is in no group")]
    [TestCase("name: small", "name: small\ntokenizer: {vocabulary_size: 500}", "has its own vocabulary")]
    [TestCase("name: small", "name: small\ntraining: {scheduler: wsd}", "take linear, cosine or constant")]
    [TestCase("{model: {path: models/base}}", "{model: {path: models/base}, training: {max_steps: 1}}",
        "the encoder exists already")]
    public void AdapterStudy_RefusesContradictions(string part, string replacement, string reason)
    {
        string path = Written(Small.Replace(part, replacement, StringComparison.Ordinal));
        Assert.That(() => AdapterStudyConfig.Load(path), Throws.TypeOf<RunException>()
            .With.Message.StartsWith(path + ":").And.Message.Contains(reason)
            .And.Property("Code").EqualTo(ExitCode.Config));
    }

    [Test]
    public void Kind_TellsStudiesApart()
    {
        Assert.That(new ConfigLayers().AddFile(Written(Small)).IsAdapterStudy, Is.True);
        Assert.That(new ConfigLayers().AddFile(Written("kind: families\n")).IsAdapterStudy, Is.False);
        Assert.That(new ConfigLayers().AddFile(Written("name: x\n")).IsAdapterStudy, Is.False);
    }

    private string Written(string text)
    {
        File.WriteAllText(_folder.At("study.yaml"), text);
        return _folder.At("study.yaml");
    }
}
