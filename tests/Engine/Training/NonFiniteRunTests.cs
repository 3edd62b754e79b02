using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Training;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Values that are not finite, put into one place of whole runs: what the policy says happens.</summary>
[Category("slow")]
internal sealed class NonFiniteRunTests
{
    private const long At = 5;

    private TinyRun _runs = null!;      // SetUp makes them
    private Backend _backend = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        _runs = new TinyRun();
        _backend = Backends.Open("cpu", threads: 1);
        _runs.Train(_runs.Config("base"));
        _runs.Train(Config("plain"));
    }

    [OneTimeTearDown]
    public void TearDown()
    {
        _backend.Dispose();
        _runs.Dispose();
    }

    [TestCase(FaultSite.Loss, double.NaN, "the loss alone")]
    [TestCase(FaultSite.Loss, double.PositiveInfinity, "the loss alone")]
    [TestCase(FaultSite.Gradient, double.NaN, "the gradient of model.layers.5.post_feedforward_layernorm.weight")]
    [TestCase(FaultSite.Gradient, double.NegativeInfinity, "gradient of model.layers.5.post_feedforward_layernorm")]
    [TestCase(FaultSite.Anchor, double.NaN, "the pull on model.layers.5.post_feedforward_layernorm.weight")]
    [TestCase(FaultSite.Moment, double.NaN, "the weights of model.layers.5.post_feedforward_layernorm.weight")]
    [TestCase(FaultSite.EmbeddingRow, double.NaN, "the weights of model.embed_tokens.weight")]
    [TestCase(FaultSite.EmbeddingRow, double.PositiveInfinity, "the weights of model.embed_tokens.weight")]
    public void Fault_N1_Stop_ChangesNothing_NamesTheTensor_AndIsResumable(FaultSite site, double value, string named)
    {
        RunConfig config = Config($"stop-{site}-{value:G2}");
        var fault = new SpoiledStep(_backend, site, value, step => step == At);
        OutputFolder.Prepare(config.OutputDir);
        using (var quiet = new StopSignal(folder: null, _ => { }))
        using (RunLock held = RunLock.Take(config.OutputDir))
        using (var log = new RunLog(config.OutputDir, "r", 1, TextWriter.Null))
        using (var session = new TrainingSession(
            config, _runs.Options(quiet, FileSystem.Real, TextWriter.Null, fault), log))
        {
            session.Record(1);
            RunException stopped = Assert.Throws<RunException>(() => session.Train(held, 1))!;
            Assert.That(stopped.Code, Is.EqualTo(ExitCode.Numerics));
            Assert.That(stopped.Message, Does.Contain($"step {At} (data step {At - 1})").And.Contain(named));
            Assert.That(fault.Before, Is.Not.Empty);
            Assert.That(SpoiledStep.State(_backend, session.Optimizer), Is.EqualTo(fault.Before));
        }

        Assert.That(Directory.Exists(_runs.Final(Name(config))), Is.False);
        foreach (string folder in Directory.GetDirectories(_runs.Path($"{Name(config)}/checkpoints")))
        {
            using TensorFolder weights = TensorFolder.Open(folder, _ => { });
            Assert.That(
                Checkpoint.Open(folder)!.Facts.IsHealthy, Is.EqualTo(FiniteCheck.Find(weights).Count == 0), folder);
        }

        _runs.Train(config);
        Assert.That(_runs.Weights(Name(config)), Is.EqualTo(_runs.Weights("plain")));
    }

    [Test]
    public void Fault_N1_Skip_LeavesTheUpdateOut_AndTheScheduleWhereItWas()
    {
        RunConfig config = Policy("skip", NonFinitePolicy.Skip);
        using var console = new StringWriter();
        _runs.Train(config, console: console, faults: Spoil(step => step == At, times: 1));
        Assert.That(console.ToString(), Does.Contain($"warning: step {At} (data step {At - 1})"));
        IReadOnlyDictionary<long, double> rates = _runs.Metric("skip", "learning_rate");
        Assert.That(rates, Is.EqualTo(_runs.Metric("plain", "learning_rate")));
        Assert.That(_runs.Losses("skip")[At - 1], Is.EqualTo(_runs.Losses("plain")[At - 1]));
        Assert.That(_runs.Losses("skip")[At], Is.Not.EqualTo(_runs.Losses("plain")[At]), "its batch is another one");
    }

    [Test]
    public void Fault_N1_Skip_EndsAfterSoManyInARow()
    {
        RunConfig config = Policy("skips", NonFinitePolicy.Skip);
        using var console = new StringWriter();
        RunException? stopped = Assert.Throws<RunException>(
            () => _runs.Train(config, console: console, faults: Spoil(step => step == At, times: 9)));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Numerics));
        Assert.That(console.ToString().Split("passed over").Length - 1, Is.EqualTo(2));
    }

    /// <summary>From the checkpoint of the step before, going back is skipping.</summary>
    [Test]
    public void Fault_N1_Rollback_GoesPastTheBatch()
    {
        RunConfig rollback = Policy("back", NonFinitePolicy.Rollback);
        RunConfig skip = Policy("back-skip", NonFinitePolicy.Skip);
        using var console = new StringWriter();
        _runs.Train(rollback, console: console, faults: Spoil(step => step == At, times: 1));
        _runs.Train(skip, faults: Spoil(step => step == At, times: 1));
        Assert.That(console.ToString(), Does.Contain("going back to step 4, once, and past the batch"));
        Assert.That(_runs.Weights("back"), Is.EqualTo(_runs.Weights("back-skip")));
    }

    /// <summary>The weights are gone in memory, and the step that was saved with them does not count.</summary>
    [Test]
    public void Fault_K9_Rollback_PassesOverTheUnhealthyCheckpoint()
    {
        RunConfig config = Policy("unhealthy", NonFinitePolicy.Rollback);
        using var console = new StringWriter();
        var fault = new SpoiledStep(_backend, FaultSite.Moment, double.NaN, step => step == At, times: 1);
        _runs.Train(config, console: console, faults: fault);
        string said = console.ToString();
        Assert.That(said, Does.Contain("training does not go on from it"));
        Assert.That(said, Does.Contain("step-00000004: skipped: was saved with a non-finite"));
        Assert.That(said, Does.Contain("going back to step 2, once"));
        Assert.That(said, Does.Contain("step-00000004: removed, because its step is saved again and it was"));
        foreach (string folder in Directory.GetDirectories(_runs.Path("unhealthy/checkpoints")))
            Assert.That(Checkpoint.Open(folder)!.Facts.IsHealthy, Is.True, folder);
    }

    [Test]
    public void Fault_N1_Rollback_HappensOnce()
    {
        RunConfig config = Policy("twice", NonFinitePolicy.Rollback);
        RunException? stopped = Assert.Throws<RunException>(
            () => _runs.Train(config, faults: Spoil(step => step == At, times: 2)));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Numerics));
    }

    [Test]
    public void Divergence_Warns_OrStopsBeforeTheUpdate()
    {
        const long spike = DivergenceWatch.WindowSteps + 4;
        RunConfig config = _runs.Config("spike");
        config = config with
        {
            Training = config.Training with { MaxSteps = (int)spike + 2, BatchSize = 1, EvalSteps = 0, SaveSteps = 0 },
        };
        using var console = new StringWriter();
        _runs.Train(config, console: console, faults: new SpoiledStep(
            _backend, FaultSite.Loss, 1000, step => step == spike));
        Assert.That(
            console.ToString(), Does.Contain($"warning: step {spike} (data step {spike - 1}): the loss 1000 is"));
        Assert.That(File.ReadAllText(_runs.Path("spike/metrics.jsonl")), Does.Contain("\"event\":\"divergence\""));

        RunConfig stop = config with
        {
            OutputDir = _runs.Path("spike-stop"),
            Training = config.Training with { Divergence = new DivergenceConfig { Action = DivergenceAction.Stop } },
        };
        RunException? stopped = Assert.Throws<RunException>(() => _runs.Train(stop, faults: new SpoiledStep(
            _backend, FaultSite.Loss, 1000, step => step == spike)));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Numerics));
        Assert.That(stopped.Message, Does.Contain($"The weights are those of step {spike - 1}."));
    }

    private SpoiledStep Spoil(Func<long, bool> isSpoiled, long times) =>
        new(_backend, FaultSite.Gradient, double.NaN, isSpoiled, times);

    private static string Name(RunConfig config) => Path.GetFileName(config.OutputDir);

    private RunConfig Policy(string name, NonFinitePolicy policy)
    {
        RunConfig config = Config(name);
        return config with
        {
            Training = config.Training with { OnNonfinite = policy, MaxNonfiniteSkips = 2 },
        };
    }

    private RunConfig Config(string name)
    {
        RunConfig config = _runs.From("base", name);
        return config with
        {
            Precision = Precision.Fp32,
            Alignment = new AlignmentConfig { L2Sp = new L2SpConfig { Other = 0.001 } },
            Training = config.Training with { MaxSteps = 8, SaveSteps = 2, EvalSteps = 0 },
        };
    }
}
