using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies;
using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>What a study is given from outside, and which of its artefacts that decides.</summary>
internal sealed class StudyInputTests
{
    private TinyStudy _study = null!; // SetUp makes it
    private TestFolder _given = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp() => (_study, _given) = (new TinyStudy(), new TestFolder());

    [OneTimeTearDown]
    public void TearDown()
    {
        _study.Dispose();
        _given.Dispose();
    }

    [Test]
    public void Tokenizer_ThatIsGiven_DecidesAllByItsContent()
    {
        string path = WriteTokenizer("tokenizer", 270);
        StudyConfig config = _study.Config() with { Tokenizer = new TokenizerConfig { Path = path } };
        Dictionary<string, string> before = Keys(config);
        Assert.That(before, Is.EqualTo(Keys(config with
        {
            Tokenizer = new TokenizerConfig { Path = WriteTokenizer("copy", 270) },
        })), "where it lies does not count");
        WriteTokenizer("tokenizer", 271);
        Assert.That(Changed(before, config), Is.EquivalentTo(before.Keys));
    }

    [Test]
    public void Anchor_DecidesThePulledModels_ByItsContent()
    {
        string folder = Directory.CreateDirectory(_given.At("anchor")).FullName;
        File.WriteAllText(Path.Combine(folder, "model.safetensors"), "a");
        StudyConfig config = _study.Config($"alignment.l2_sp.anchor={folder}");
        Dictionary<string, string> before = Keys(config);
        File.WriteAllText(Path.Combine(folder, "model.safetensors"), "b");
        string[] models = ["seed-42/l2_sp-slavic", "seed-42/l2_sp-germanic"];
        Assert.That(
            Changed(before, config), Is.EquivalentTo(models.Concat(models.Select(model => $"evaluation/{model}"))));
    }

    [TestCase("training.shared.log_steps=7")]
    [TestCase("training.shared.save_steps=7")]
    [TestCase("training.shared.save_total_limit=7")]
    [TestCase("training.shared.max_wall_minutes=7")]
    [TestCase("base.training.log_steps=7")]
    [TestCase("threads=1")]
    public void Setting_ThatChangesNoBit_RemakesNothing(string setting) =>
        Assert.That(Changed(Keys(_study.Config()), _study.Config(setting)), Is.Empty);

    [TestCase("base")]
    [TestCase("anchor")]
    public void Folder_ThatIsMissing_IsNamed(string what)
    {
        string missing = _given.At("nowhere");
        StudyConfig config = what == "base"
            ? _study.Config() with
            {
                Base = new BaseConfig { Model = new ModelSource { Path = missing } },
                Tokenizer = new TokenizerConfig { Path = WriteTokenizer("other", 270) },
            }
            : _study.Config($"alignment.l2_sp.anchor={missing}");
        RunException? refused = Assert.Throws<RunException>(() => Keys(config));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(refused.Message, Does.Contain(missing));
    }

    [Test]
    public void Unigram_IsMeasured_WhereverTheBasesTextIsKnown()
    {
        var given = new TokenizerConfig { Path = WriteTokenizer("known", 270) };
        Assert.That(new StudyGraph(_study.Config() with { Tokenizer = given }).Baseline, Is.Not.Null);
        Assert.That(
            new StudyGraph(_study.Config() with
            {
                Base = new BaseConfig { Model = new ModelSource { Path = _given.Path } }, Tokenizer = given,
            }).Baseline,
            Is.Null);
    }

    [Test]
    public void Failure_WhileAStopIsAskedFor_KeepsItsOwnCode()
    {
        using StopSignal stop = new(folder: null, _ => { });
        var files = new FaultyFileSystem
        {
            Fault = (_, step, path) =>
            {
                if (step != FileStep.Rename || !path.EndsWith("tokenizer.json", StringComparison.Ordinal))
                    return;
                stop.RequestStop("SIGTERM");
                throw new IOException("the disk is full");
            },
        };
        StudyConfig config = _study.Config();
        Directory.CreateDirectory(config.OutputDir);
        RunException? failed = Assert.Throws<RunException>(
            () => StudyRunner.Run(config, new StudyRun(config, stop, files, TextWriter.Null, quiet: true), []));
        Assert.That(failed!.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(failed.Message, Does.Contain("the disk is full"));
    }

    private static Dictionary<string, string> Keys(StudyConfig config) =>
        new StudyGraph(config).Artefacts.ToDictionary(artefact => artefact.Name, artefact => artefact.Key);

    private static string[] Changed(Dictionary<string, string> before, StudyConfig config) =>
        [.. Keys(config).Where(pair => before[pair.Key] != pair.Value).Select(pair => pair.Key)];

    /// <summary>A tokenizer of this many pieces.</summary>
    private string WriteTokenizer(string name, int pieces)
    {
        TrainedTokenizer trained = BpeTrainer.Train(
            [Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("pack my box with five dozen jugs ", 20)))],
            new BpeTrainerOptions { VocabularySize = pieces });
        string folder = Directory.CreateDirectory(_given.At(name)).FullName;
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.json"), trained.TokenizerJson);
        File.WriteAllBytes(Path.Combine(folder, "tokenizer_config.json"), trained.TokenizerConfig);
        return folder;
    }
}
