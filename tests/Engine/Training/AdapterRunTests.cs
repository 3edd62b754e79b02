using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Training;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Runs that train adapters on a decoder: what moves, what is saved, and that they resume.</summary>
[Category("slow")]
internal sealed class AdapterRunTests
{
    private const string Task = "adapt-and-die";

    private TinyRun _runs = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp()
    {
        _runs = new TinyRun();
        _runs.Train(_runs.Config("base"));
    }

    [OneTimeTearDown]
    public void TearDown() => _runs.Dispose();

    [TestCase(Precision.Fp32)]
    [TestCase(Precision.Bf16)]
    [TestCase(Precision.PureBf16)]
    public void Fact18_Training_LowersTheLoss_AndNoByteOfTheBaseChanges(Precision precision)
    {
        // A base of one step: what many steps make, adapters of some steps do not better on so little text.
        string name = $"moves-{precision}", origin = $"raw-{precision}";
        RunConfig raw = _runs.Config(origin);
        _runs.Train(raw with { Training = raw.Training with { MaxSteps = 1 } });
        byte[] before = _runs.Weights(origin);
        RunConfig config = Config(_runs, name) with
        {
            Precision = precision, Model = new ModelSource { Path = _runs.Final(origin) },
        };
        _runs.Train(config with
        {
            Training = config.Training with { MaxSteps = 60, LearningRate = 3e-2, SaveSteps = 0, EvalSteps = 0 },
        });
        // Losses of single batches differ by 0.1; means of twenty by a quarter of that.
        double[] losses = [.. _runs.Losses(name).OrderBy(step => step.Key).Select(step => step.Value)];
        Assert.That(losses[^20..].Average(), Is.LessThan(losses[..20].Average() - 0.1));
        Assert.That(_runs.Weights(origin), Is.EqualTo(before));
    }

    /// <summary>The final folder is PEFT's and no model; the record says what trained.</summary>
    [Test]
    public void Final_IsAPeftFolder_OfItsBase()
    {
        RunConfig config = Config(_runs, "final");
        _runs.Train(config);
        string final = _runs.Final("final");
        Assert.That(
            Directory.GetFiles(final).Select(Path.GetFileName).Order(StringComparer.Ordinal),
            Is.EqualTo(new[]
            {
                "adapter_config.json", "adapter_model.safetensors", "cpt_state.json", "tokenizer.json",
                "tokenizer_config.json",
            }));
        using PeftFolder folder = PeftFolder.Open(final, Assert.Fail);
        Assert.That(folder.Config.Base, Is.EqualTo(_runs.Final("base")));
        Assert.That(folder.Config.TaskType, Is.EqualTo("CAUSAL_LM"));
        Assert.That(folder.Config.Settings.RankPattern, Is.EqualTo(new[] { KeyValuePair.Create("down_proj", 2) }));
        Assert.That(folder.Entries, Has.Count.EqualTo(2 * 3 * 6));
        AdapterState state = AdapterState.Read(final)!;     // the folder has one
        Assert.That(state.Base, Is.EqualTo(AdapterState.HashesOf(_runs.Final("base"))));
        Assert.That(state.Step, Is.EqualTo(8));
        string parameters = File.ReadAllText(_runs.Path("final/parameters.json"));
        Assert.That(parameters, Does.Contain("\"model.embed_tokens.weight\":\"frozen\""));
        Assert.That(parameters, Does.Contain("q_proj.lora_A.weight\":\"trained\""));
    }

    [TestCase(Precision.Fp32)]
    [TestCase(Precision.Bf16)]
    public void Fact27_RunStoppedAgainAndAgain_EndsWithTheSameBytes(Precision precision)
    {
        string whole = $"whole-{precision}", stopped = $"stopped-{precision}";
        _runs.Train(Config(_runs, whole) with { Precision = precision });
        int attempts = 1;
        while (!_runs.TryTrain(Config(_runs, stopped) with { Precision = precision }, 4 << attempts))
            attempts++;
        Assert.That(attempts, Is.GreaterThan(2));
        Assert.That(Adapter(stopped), Is.EqualTo(Adapter(whole)));
        Assert.That(_runs.Losses(stopped), Is.EqualTo(_runs.Losses(whole)));
    }

    [Test]
    public void KilledRun_GoesOnWithTheSameBytes()
    {
        var counting = new FaultyFileSystem();
        _runs.Train(Config(_runs, "unkilled"), counting);
        for (int n = 3; n <= counting.Steps.Count; n += 13)
        {
            (int code, string output) = ChildProcess.RunToEnd(Task, _runs.Folder, $"killed-{n}", n.ToString());
            Assert.That(code, Is.EqualTo(137), $"before step {n} ({counting.Steps[n - 1]}): {output}");
            _runs.Train(Config(_runs, $"killed-{n}"));
            Assert.That(Adapter($"killed-{n}"), Is.EqualTo(Adapter("unkilled")), $"{counting.Steps[n - 1]}");
        }
    }

    /// <summary>What the child process does: trains until the n-th step of its file system kills it.</summary>
    public static int AdaptAndDie(string folder, string name, int n)
    {
        using TinyRun runs = TinyRun.Open(folder);
        runs.Train(Config(runs, name), FaultyFileSystem.KillBefore(n));
        return 0;
    }

    /// <summary>The rate is so high that losses rise: the best step's adapter comes back.</summary>
    [Test]
    public void EarlyStopping_TakesBackTheBestAdapter()
    {
        RunConfig config = Config(_runs, "early");
        config = config with
        {
            Training = config.Training with
            {
                EvalSteps = 1, SaveSteps = 0, LearningRate = 2, WarmupSteps = 0, MaxSteps = 30, SaveTotalLimit = 1,
                EarlyStopping = new EarlyStoppingConfig { Patience = 3 },
            },
        };
        var lines = new StringWriter();
        _runs.Train(config, console: lines);
        Assert.That(lines.ToString(), Does.Contain("stopped early"));
        long best = Directory.GetDirectories(_runs.Path("early/checkpoints"))
            .Select(path => long.Parse(Path.GetFileName(path)["step-".Length..])).Min();
        byte[] kept = File.ReadAllBytes(_runs.Path($"early/checkpoints/step-{best:D8}/adapter_model.safetensors"));
        Assert.That(Adapter("early"), Is.EqualTo(kept));
    }

    [Test]
    public void Dropout_IsThatOfTheStep_HoweverItIsCutIntoBatches()
    {
        foreach (var (name, batch, parts, dropout) in new[]
            { ("one", 4, 1, 0.5), ("two", 2, 2, 0.5), ("none", 4, 1, 0) })
        {
            RunConfig config = Config(_runs, name);
            _runs.Train(config with
            {
                Adapter = config.Adapter! with { Dropout = dropout },
                Training = config.Training with { BatchSize = batch, GradientAccumulationSteps = parts },
            });
        }

        // Sums of gradients in another order, and the updates that follow.
        Assert.That(_runs.Losses("two")[8], Is.EqualTo(_runs.Losses("one")[8]).Within(1e-5));
        Assert.That(_runs.Losses("none")[8], Is.Not.EqualTo(_runs.Losses("one")[8]).Within(1e-5));
    }

    [Test]
    public void Checkpoint_HoldsAdaptersAlone_AndIsSmall()
    {
        _runs.Train(Config(_runs, "small"));
        string checkpoint = _runs.Path("small/checkpoints/step-00000008");
        Assert.That(File.Exists(Path.Combine(checkpoint, "model.safetensors")), Is.False);
        long bytes = Directory.GetFiles(checkpoint, "*.safetensors").Sum(path => new FileInfo(path).Length);
        Assert.That(bytes, Is.LessThan(new FileInfo(Path.Combine(_runs.Final("base"), "model.safetensors")).Length));
        using PeftFolder folder = PeftFolder.Open(checkpoint, Assert.Fail);
        Assert.That(folder.Entries, Has.Count.EqualTo(2 * 3 * 6));
    }

    [Test]
    public void Profile_NamesAdaptersOps_AndChangesNoBit()
    {
        _runs.Train(Config(_runs, "unprofiled"));
        var lines = new StringWriter();
        _runs.Train(Config(_runs, "profiled"), console: lines, profile: true);
        Assert.That(Adapter("profiled"), Is.EqualTo(Adapter("unprofiled")));
        Assert.That(lines.ToString(), Does.Contain("perfetto"));
    }

    [TestCase("adapter: {}\nmodel: {architecture: llama, hidden_size: 8, num_hidden_layers: 1, "
        + "num_attention_heads: 2, intermediate_size: 8}", "nothing to adapt")]
    [TestCase("adapter: {}\nmodel: {path: m}\nalignment: {freeze: middle}", "remove freeze")]
    [TestCase("adapter: {}\nmodel: {path: m}\nalignment: {l2_sp: {}}", "remove freeze")]
    [TestCase("adapter: {target_modules: []}\nmodel: {path: m}", "target_modules")]
    [TestCase("adapter: {r: 0}\nmodel: {path: m}", "from 1")]
    [TestCase("adapter: {rank: 8}\nmodel: {path: m}", "unknown")]
    public void ConfigThatMakesNoSense_IsRefused(string yaml, string word)
    {
        string path = _runs.Path("bad.yaml");
        File.WriteAllText(
            path, $"{yaml}\noutput_dir: o\ntokenizer: t\ntraining: {{max_steps: 1}}\n"
            + "data: {languages: {en: {files: [x.jsonl]}}}\n");
        var refused = Assert.Throws<RunException>(() => RunConfig.Load(path));
        Assert.That(refused.Message, Does.Contain(word));
    }

    [Test]
    public void TargetsOfNothing_AreRefused_BeforeAnythingTrains()
    {
        RunConfig config = Config(_runs, "nothing");
        var refused = Assert.Throws<RunException>(() => _runs.Train(
            config with { Adapter = config.Adapter! with { Targets = new(["query"]) } }));
        Assert.That(refused.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("'query'").And.Contain("q_proj"));
    }

    private static RunConfig Config(TinyRun runs, string name) => runs.From("base", name) with
    {
        Threads = 1,
        Adapter = new AdapterConfig
        {
            Rank = 3, Alpha = 6, Dropout = 0.1, Targets = new(["q_proj", "v_proj", "down_proj"]),
            RankPattern = [new("down_proj", 2)],
        },
    };

    private byte[] Adapter(string name) =>
        File.ReadAllBytes(Path.Combine(_runs.Final(name), "adapter_model.safetensors"));
}
