using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Every kind of run, stopped again and again, ends with the bytes of one that is not.</summary>
[Category("slow")]
internal sealed class ResumeTests
{
    private TinyRun _runs = null!; // SetUp makes it

    public enum Kind
    {
        Full,
        Frozen,
        Pulled,
        EarlyStopping,
    }

    [OneTimeSetUp]
    public void SetUp()
    {
        _runs = new TinyRun();
        _runs.Train(_runs.Config("base"));
    }

    [OneTimeTearDown]
    public void TearDown() => _runs.Dispose();

    /// <summary>Each attempt is stopped some polls later than the one before: in a step, an evaluation,
    /// between.</summary>
    [TestCase(Kind.Full, Precision.Fp32)]
    [TestCase(Kind.Full, Precision.PureBf16)]
    [TestCase(Kind.Frozen, Precision.Bf16)]
    [TestCase(Kind.Pulled, Precision.Fp32)]
    [TestCase(Kind.Pulled, Precision.Bf16)]
    [TestCase(Kind.EarlyStopping, Precision.Fp32)]
    public void Fact24_RunStoppedAgainAndAgain_EndsWithTheSameBytes(Kind kind, Precision precision)
    {
        string whole = $"whole-{kind}-{precision}", stopped = $"stopped-{kind}-{precision}";
        _runs.Train(Config(kind, precision, whole));
        int attempts = 1;
        while (!_runs.TryTrain(Config(kind, precision, stopped), 4 << attempts))
            attempts++;

        Assert.That(attempts, Is.GreaterThan(3));
        Assert.That(_runs.Weights(stopped), Is.EqualTo(_runs.Weights(whole)));
        Assert.That(_runs.Losses(stopped), Is.EqualTo(_runs.Losses(whole)));
    }

    [Test]
    public void Fault_P5_StopAtTheLastStep_OrAfterwards_LeavesOneFinishedRun()
    {
        using var stop = new StopSignal(null, _ => { });
        using var console = new StopAtLine("saved step 8", stop);
        RunConfig config = _runs.Config("last") with { Threads = 1 };
        Assert.That(() => _runs.Train(config, console: console, stop: stop), Throws.Nothing);
        Assert.That(stop.IsStopRequested, Is.True);
        Assert.That(() => _runs.Train(config, stop: stop), Throws.Nothing);
        Assert.That(_runs.Weights("last"), Is.EqualTo(_runs.Weights("base")));
        Assert.That(
            File.ReadAllLines(_runs.Path("last/metrics.jsonl")).Count(line => line.Contains("\"event\":\"step\"")),
            Is.EqualTo(8));
        Assert.That(
            Directory.GetDirectories(_runs.Path("last/checkpoints")).Select(Path.GetFileName).Order(),
            Is.EqualTo(new[] { "step-00000006", "step-00000008" }));
    }

    private RunConfig Config(Kind kind, Precision precision, string name)
    {
        RunConfig config = kind == Kind.Full ? _runs.Config(name) : _runs.From("base", name);
        config = config with
        {
            Threads = 1,
            Precision = precision,
            Training = config.Training with { BatchSize = 2, GradientAccumulationSteps = 2, EvalDocuments = 1 },
        };
        return kind switch
        {
            Kind.Frozen => config with
            {
                Alignment = new AlignmentConfig
                {
                    FirstLayers = 2, LastLayers = 1, Freeze = new FreezeConfig { Groups = [LayerGroup.Middle] },
                },
            },
            Kind.Pulled => config with
            {
                Alignment = new AlignmentConfig
                {
                    L2Sp = new L2SpConfig { First = 0.01, Middle = 0.5, Last = 0.01, Other = 0.01 },
                },
            },
            // The rate is so high that losses rise, and the best step is one that a stop has saved already.
            Kind.EarlyStopping => config with
            {
                Training = config.Training with
                {
                    EvalSteps = 1, SaveSteps = 0, LearningRate = 0.1, SaveTotalLimit = 1,
                    EarlyStopping = new EarlyStoppingConfig { Patience = 4 },
                },
            },
            _ => config,
        };
    }
}
