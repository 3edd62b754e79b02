using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Config;

public sealed class ConfigLayersTests
{
    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void ConfigLayers_LaterOnesWin()
    {
        string first = Written("first.yaml", RunConfigTests.Small + "seed: 1\nthreads: 1\n");
        string second = Written("second.yaml", "seed: 2\nthreads: 2\ntraining: {batch_size: 2, log_steps: 2}\n");
        RunConfig config = RunConfig.Load(new ConfigLayers()
            .AddFile(first)
            .AddFile(second)
            .AddEnvironment([new("FASTCPT_SEED", "3"), new("FASTCPT_TRAINING__BATCH_SIZE", "3"), new("PATH", "x"),
                new("FASTCPT_DATA", "x"), new("FASTCPT_ISA", "avx2"), new("FASTCPT_PERF_MAP", "1"),
                new("FASTCPT_BENCH_PEER", "python3")])
            .AddSetting("training.batch-size=4")
            .AddSetting("alignment.l2_sp={middle: 0.2}")
            .AddSetting("data.languages.zh-Hans={files: [zh.txt], weight: 1}")
            .AddSetting("output_dir", "elsewhere", "--output-dir"));
        Assert.Multiple(() =>
        {
            Assert.That(config.Threads, Is.EqualTo(2));
            Assert.That(config.Seed, Is.EqualTo(3));
            Assert.That(config.Training.BatchSize, Is.EqualTo(4));
            Assert.That(config.Training.LogSteps, Is.EqualTo(2));
            Assert.That(config.Training.MaxSteps, Is.EqualTo(100));
            Assert.That(config.Alignment.L2Sp!.Middle, Is.EqualTo(0.2));
            Assert.That(config.OutputDir, Is.EqualTo(Path.GetFullPath("elsewhere")));
            Assert.That(config.Model.Path, Is.EqualTo(_folder.At("base")));
            Assert.That(config.Data.Languages.Select(c => c.Name), Is.EqualTo(new[] { "ru", "hr", "zh-Hans" }));
        });
    }

    [Test]
    public void ConfigLayers_NullTakesOutWhatALowerLayerGave()
    {
        string path = Written("run.yaml", RunConfigTests.Small + "alignment: {l2_sp: {first: 0.5}}\n");
        RunConfig config = RunConfig.Load(new ConfigLayers().AddFile(path)
            .AddSetting("alignment.l2_sp=null").AddSetting("data.languages.hr="));
        Assert.That(config.Alignment.L2Sp, Is.Null);
        Assert.That(config.Data.Languages.Select(c => c.Name), Is.EqualTo(new[] { "ru" }));
    }

    [Test]
    public void ConfigLayers_ExtendsAFileInTheSameFolder()
    {
        Written("base.yaml", RunConfigTests.Small);
        Written("middle.yaml", "extends: base.yaml\nseed: 7\n");
        string path = Written("run.yaml", "extends: middle.yaml\ntraining: {max_steps: 5}\n");
        RunConfig config = RunConfig.Load(path);
        Assert.That((config.Seed, config.Training.MaxSteps, config.Training.LearningRate), Is.EqualTo((7, 5, 1e-4)));
    }

    [TestCase("extends: ../base.yaml\n", "without a path")]
    [TestCase("extends: /base.yaml\n", "without a path")]
    [TestCase("extends: ..\n", "without a path")]
    [TestCase("extends: run.yaml\n", "circle")]
    [TestCase("extends: loop.yaml\n", "circle")]
    [TestCase("extends: absent.yaml\n", "no such file")]
    [TestCase("extends: [a.yaml]\n", "expected text")]
    [TestCase("- a\n", "expected a map")]
    public void ConfigLayers_RefusesOtherExtends(string text, string reason)
    {
        Written("loop.yaml", "extends: run.yaml\n");
        string path = Written("run.yaml", text);
        Assert.That(() => RunConfig.Load(path), Throws.TypeOf<RunException>().With.Message.Contains(reason)
            .And.Property("Code").EqualTo(ExitCode.Config));
    }

    [Test]
    public void ConfigLayers_RefusesLongChains()
    {
        for (int i = 0; i < 20; i++)
            Written($"{i}.yaml", $"extends: {i + 1}.yaml\n");
        Assert.That(() => RunConfig.Load(_folder.At("0.yaml")),
            Throws.TypeOf<RunException>().With.Message.Contains("more than 8"));
    }

    [TestCase("training.max_steps=many", "expected a whole number")]
    [TestCase("training.max_steps=1.5", "expected a whole number")]
    [TestCase("training.max_stps=5", "Did you mean 'max_steps'?")]
    [TestCase("trainng.max_steps=5", "Did you mean 'training'?")]
    [TestCase("training.max_steps.now=5", "found a map of 1, expected a whole number")]
    [TestCase("training=5", "expected a map")]
    [TestCase("data.languages.ru.files.0=a", "A list is given as a whole")]
    [TestCase("data.languages.ru.files[0]=a", "is unknown")]
    [TestCase("seed", "expected key=value")]
    [TestCase("=5", "expected key=value")]
    [TestCase("training..x=5", "found nothing")]
    [TestCase("seed=[1, 2", "not valid YAML")]
    [TestCase("seed=&a 5", "anchor")]
    public void Fault_C2_WrongSettings_AreUsageErrors(string assignment, string reason)
    {
        string path = Written("run.yaml", RunConfigTests.Small);
        RunException error = Assert.Throws<RunException>(
            () => RunConfig.Load(new ConfigLayers().AddFile(path).AddSetting(assignment)))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Code, Is.EqualTo(ExitCode.Usage));
            Assert.That(error.Message, Does.StartWith("--set ").And.Contain(reason));
        });
    }

    [TestCase("FASTCPT_TRAINING__MAX_STPS", "5", "Did you mean 'max_steps'?")]
    [TestCase("FASTCPT_SEED", "x", "expected a whole number")]
    public void ConfigLayers_RefusesWrongVariables(string name, string value, string reason)
    {
        string path = Written("run.yaml", RunConfigTests.Small);
        Assert.That(() => RunConfig.Load(new ConfigLayers().AddFile(path).AddEnvironment([new(name, value)])),
            Throws.TypeOf<RunException>().With.Message.StartsWith(name + ":").And.Message.Contains(reason));
    }

    private string Written(string name, string text)
    {
        File.WriteAllText(_folder.At(name), text);
        return _folder.At(name);
    }
}
