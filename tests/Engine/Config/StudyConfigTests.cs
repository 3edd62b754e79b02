using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Config;

public sealed class StudyConfigTests
{
    private const string Small = """
        name: small
        output_dir: runs/small
        families:
          slavic: {train: [hr, ru], held_out: [cs]}
          germanic: {train: [nl]}
        base_languages: [en]
        files: texts/{language}.jsonl.gz
        tokenizer: {vocabulary_size: 4096}
        base:
          model: {architecture: llama, hidden_size: 8, num_hidden_layers: 6, num_attention_heads: 2,
                  intermediate_size: 8}
          training: {max_tokens: 1000}
        training:
          shared: {batch_size: 3, learning_rate: 1e-3}
          dense: {learning_rate: 1e-2}
          expert: {max_tokens: 500}

        """;

    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void StudyConfig_ReadsFamiliesAndSharedTraining()
    {
        StudyConfig study = StudyConfig.Load(Written(Small));
        Assert.Multiple(() =>
        {
            Assert.That(study.Families.Select(family => family.Name), Is.EqualTo(new[] { "slavic", "germanic" }));
            Assert.That(study.Families[0].HeldOut, Is.EqualTo(new[] { "cs" }));
            Assert.That(study.FileOf("ru"), Is.EqualTo(_folder.At("texts/ru.jsonl.gz")));
            Assert.That(study.Training.Dense.BatchSize, Is.EqualTo(3));
            Assert.That(study.Training.Dense.LearningRate, Is.EqualTo(1e-2));
            Assert.That(study.Training.Dense.MaxTokens, Is.Zero);
            Assert.That(study.Training.Expert.LearningRate, Is.EqualTo(1e-3));
            Assert.That(study.Training.Expert.MaxTokens, Is.EqualTo(500));
            Assert.That(study.Systems, Is.EqualTo(Enum.GetValues<StudySystem>()));
            Assert.That(study.Alignment.Freeze!.Groups, Is.EqualTo(new[] { LayerGroup.Middle }));
            Assert.That(study.Alignment.L2Sp!.Middle, Is.EqualTo(0.05));
            Assert.That(study.Base.HeldInShare, Is.EqualTo(0.1));
        });
    }

    [Test]
    public void StudyConfig_ReadsBackWhatItShows()
    {
        string yaml = StudyConfig.Load(Written(Small)).ToYaml();
        Assert.That(StudyConfig.Load(Written(yaml)).ToYaml(), Is.EqualTo(yaml));
        Assert.That(yaml, Does.Not.Contain("shared"));
    }

    [TestCase("train: [nl]", "train: [ru]", "'ru' is held in by slavic and held in by germanic")]
    [TestCase("train: [nl]", "train: [cs]", "'cs' is held in by germanic and held out by slavic")]
    [TestCase("train: [nl]", "train: []", "the list is empty")]
    [TestCase("base_languages: [en]", "base_languages: [nl]", "'nl' is a base language and held in")]
    [TestCase("base_languages: [en]", "base_languages: [en, en]", "one role")]
    [TestCase("base_languages: [en]", "", "needs languages to learn")]
    [TestCase("{language}", "all", "has no {language}")]
    [TestCase("tokenizer: {vocabulary_size: 4096}", "", "a path or a vocabulary_size")]
    [TestCase("{vocabulary_size: 4096}", "{vocabulary_size: 4096, path: x}", "either the path")]
    [TestCase("{vocabulary_size: 4096}", "{vocabulary_size: 256}", "from 259")]
    [TestCase("  training: {max_tokens: 1000}", "", "is pretrained first; say how")]
    [TestCase("expert: {max_tokens: 500}", "expert: {}", "give max_steps or max_tokens")]
    [TestCase("shared: {batch_size: 3,", "shared: {batch_siz: 3,", "Did you mean 'batch_size'?")]
    [TestCase("name: small", "name: ../small", "expected a name")]
    [TestCase("name: small", "name: small\nseeds: [1, 1]", "names a seed twice")]
    [TestCase("batch_size: 3", "batch_size: 1048576", "batch_size 1048576 times data.max_seq_length 256")]
    [TestCase("max_tokens: 1000", "max_tokens: 1000, batch_size: 1048576", "base: batch_size 1048576 times")]
    [TestCase("name: small", "name: small\nevaluation: {batch_size: 1048576}", "evaluation: batch_size 1048576 times")]
    [TestCase("name: small", "name: small\nsystems: [dense, densest]", "Did you mean 'dense'?")]
    [TestCase("name: small", "name: small\nsystems: [soup, soup]", "names a system twice")]
    [TestCase("name: small", "name: small\nalignment: {freeze: null}", "the system freeze needs")]
    public void StudyConfig_RefusesContradictions(string part, string replacement, string reason)
    {
        string path = Written(Small.Replace(part, replacement, StringComparison.Ordinal));
        Assert.That(() => StudyConfig.Load(path), Throws.TypeOf<RunException>()
            .With.Message.StartsWith(path + ":").And.Message.Contains(reason)
            .And.Property("Code").EqualTo(ExitCode.Config));
    }

    [Test]
    public void StudyConfig_TakesTheTokenizerOfABaseThatExists()
    {
        string text = Small
            .Replace("tokenizer: {vocabulary_size: 4096}\n", "", StringComparison.Ordinal)
            .Replace("  training: {max_tokens: 1000}\n", "", StringComparison.Ordinal);
        int start = text.IndexOf("  model:", StringComparison.Ordinal);
        int end = text.IndexOf('}', start) + 1;
        StudyConfig study = StudyConfig.Load(Written(text[..start] + "  model: {path: base}" + text[end..]));
        Assert.That(study.Tokenizer.Path, Is.EqualTo(_folder.At("base")));
    }

    private string Written(string text)
    {
        File.WriteAllText(_folder.At("study.yaml"), text);
        return _folder.At("study.yaml");
    }
}
