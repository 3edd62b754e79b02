using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Which keys a run may go on with, and that every other one is named.</summary>
[Category("slow")]
internal sealed class ResumeConfigTests
{
    private static readonly Dictionary<string, Func<RunConfig, RunConfig>> Refused = new()
    {
        ["seed"] = c => c with { Seed = 4 },
        ["precision"] = c => c with { Precision = Precision.PureBf16 },
        ["model.hidden_size"] = c => c with { Model = c.Model with { HiddenSize = 24 } },
        ["data.max_seq_length"] = c => c with { Data = c.Data with { MaxSeqLength = 16 } },
        ["data.packing"] = c => c with { Data = c.Data with { Packing = PackingMode.Wrapped } },
        ["data.languages.hr"] = c => c with { Data = c.Data with { Languages = [c.Data.Languages[0]] } },
        ["training.learning_rate"] = c => c with { Training = c.Training with { LearningRate = 1e-3 } },
        ["training.batch_size"] = c => c with { Training = c.Training with { BatchSize = 2 } },
        ["training.gradient_accumulation_steps"] =
            c => c with { Training = c.Training with { GradientAccumulationSteps = 2 } },
        ["training.scheduler"] = c => c with { Training = c.Training with { Scheduler = Scheduler.Linear } },
        ["training.weight_decay"] = c => c with { Training = c.Training with { WeightDecay = 0.1 } },
        ["training.early_stopping"] = c => c with
        {
            Training = c.Training with { EarlyStopping = new EarlyStoppingConfig() },
        },
        ["training.on_nonfinite"] = c => c with { Training = c.Training with { OnNonfinite = NonFinitePolicy.Skip } },
        ["alignment.freeze"] = c => c with
        {
            Alignment = new AlignmentConfig { Freeze = new FreezeConfig { Groups = [LayerGroup.Middle] } },
        },
        ["alignment.l2_sp"] = c => c with { Alignment = new AlignmentConfig { L2Sp = new L2SpConfig { Other = 0.1 } } },
    };

    private TinyRun _runs = null!; // SetUp makes it

    private static IEnumerable<string> RefusedKeys => Refused.Keys;

    [OneTimeSetUp]
    public void SetUp()
    {
        _runs = new TinyRun();
        StopAfterThree("half");
    }

    [OneTimeTearDown]
    public void TearDown() => _runs.Dispose();

    [Test]
    public void Fault_C5_ResumeWithAnotherValue_IsRefusedByName([ValueSource(nameof(RefusedKeys))] string key)
    {
        RunException? refused = Assert.Throws<RunException>(() => _runs.Train(Refused[key](_runs.Config("half"))));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain($"\n  {key}"));
        Assert.That(refused.Message.Split('\n').Count(line => line.StartsWith("  ", StringComparison.Ordinal)),
            Is.EqualTo(1), "nothing else differs");
    }

    [Test]
    public void Fault_C5_ResumeWithSeveralOthers_ListsThemAll()
    {
        string[] keys = ["seed", "training.learning_rate", "alignment.l2_sp", "data.max_seq_length"];
        RunConfig config = keys.Aggregate(_runs.Config("half"), (changed, key) => Refused[key](changed));
        RunException? refused = Assert.Throws<RunException>(() => _runs.Train(config));
        foreach (string key in keys)
            Assert.That(refused!.Message, Does.Contain($"\n  {key}"));
        Assert.That(refused!.Message, Does.Contain("seed: 3 there, 4 here"));
    }

    /// <summary>What may change, all at once, and the run ends with the bits that it would have had.</summary>
    [Test]
    public void Resume_WithAllThatMayChange_GivesTheSameBits()
    {
        _runs.Train(_runs.Config("whole"));
        StopAfterThree("changed");
        RunConfig config = _runs.Config("changed");
        _runs.Train(config with
        {
            Threads = 1,
            Training = config.Training with
            {
                SaveSteps = 1, SaveTotalLimit = 1, SaveAsync = true, MaxSaveErrors = 2, LogSteps = 2,
                MaxWallMinutes = 60,
                Divergence = new DivergenceConfig
                {
                    Action = DivergenceAction.Stop, ZScore = 50, LossThreshold = 100, Patience = 9,
                },
            },
        });
        Assert.That(_runs.Weights("changed"), Is.EqualTo(_runs.Weights("whole")));
    }

    [Test]
    public void Resume_WithMoreSteps_GoesOnToThem()
    {
        StopAfterThree("longer");
        RunConfig config = _runs.Config("longer");
        _runs.Train(config with { Training = config.Training with { MaxSteps = 11 } });
        Assert.That(_runs.Losses("longer").Keys.Order(), Is.EqualTo(Enumerable.Range(1, 11)));
    }

    private void StopAfterThree(string name)
    {
        using var stop = new StopSignal(folder: null, _ => { });
        using var console = new LineWriter("step 3 ", () => stop.RequestStop("the test"));
        Assert.That(
            () => _runs.Train(_runs.Config(name), console: console, stop: stop),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Resumable));
    }
}
