using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Whole runs: what is frozen stays, what pulls pulls, what is stopped goes on with the same bits.</summary>
[Category("slow")]
internal sealed class TrainingRunTests
{
    private TinyRun _runs = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp()
    {
        _runs = new TinyRun();
        _runs.Train(_runs.Config("base"));
    }

    [OneTimeTearDown]
    public void TearDown() => _runs.Dispose();

    [Test]
    public void Fact24_SameSeed_GivesTheSameBits_AtAnyThreadCount()
    {
        _runs.Train(_runs.Config("again") with { Threads = 1 });
        Assert.That(_runs.Weights("again"), Is.EqualTo(_runs.Weights("base")));
        Assert.That(_runs.Losses("again"), Is.EqualTo(_runs.Losses("base")));
    }

    [Test]
    public void Fact24_StoppedRun_GoesOnWithTheSameBits([Values(1, 2, 3, 4, 5, 7)] int step)
    {
        string name = $"stopped-{step}";
        using var stop = new StopSignal(folder: null, _ => { });
        var console = new StopAtLine($"step {step} ", stop);
        RunException? stopped = Assert.Throws<RunException>(
            () => _runs.Train(_runs.Config(name), console: console, stop: stop));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resumable));
        _runs.Train(_runs.Config(name));
        Assert.That(_runs.Weights(name), Is.EqualTo(_runs.Weights("base")));
        Assert.That(_runs.Losses(name), Is.EqualTo(_runs.Losses("base")));
    }

    [Test]
    public void Fact14_FrozenLayers_DoNotMove_AndTheRestDoes()
    {
        RunConfig config = _runs.From("base", "frozen");
        _runs.Train(config with
        {
            Alignment = new AlignmentConfig
            {
                FirstLayers = 2, LastLayers = 1, Freeze = new FreezeConfig { Groups = [LayerGroup.Middle] },
            },
            Training = config.Training with { WeightDecay = 0.5 },
        });
        using ModelFolder origin = ModelFolder.Open(_runs.Final("base"), _ => { });
        using ModelFolder frozen = ModelFolder.Open(_runs.Final("frozen"), _ => { });
        IReadOnlyDictionary<int, PartDrift> drift = Drift.Measure(origin, frozen);
        foreach (int layer in new[] { 2, 3, 4 })
            Assert.That(drift[layer].Distance, Is.EqualTo(0));
        foreach (int layer in new[] { -1, 0, 1, 5 })
            Assert.That(drift[layer].Distance, Is.GreaterThan(0));
        Assert.That(
            _runs.Values("frozen", "model.norm.weight"), Is.Not.EqualTo(_runs.Values("base", "model.norm.weight")));
    }

    [Test]
    public void Fact14_FrozenLayers_HaveNeitherGradientNorState()
    {
        using Backend backend = Backends.Open("cpu");
        using var model = (CausalModel)ModelLoader.Load(_runs.Final("base"), backend, DType.F32, 32, _ => { });
        RunConfig config = _runs.From("base", "marks") with
        {
            Alignment = new AlignmentConfig { Freeze = new FreezeConfig { Groups = [LayerGroup.Middle] } },
        };
        using var quiet = new StopSignal(folder: null, _ => { });
        using var marks = new Alignments(config, model, _ => { }, quiet);
        using var optimizer = new AdamW(model.Parameters, new AdamWSettings(), marks.PullOn);
        LayerRange middle = LayerGroups.Of(6).Middle;
        foreach (Parameter parameter in model.Parameters.All)
        {
            bool isFrozen = LayerGroups.LayerOf(parameter.Name) is { } layer && middle.Contains(layer);
            Assert.That(parameter.Gradient.IsNone, Is.EqualTo(isFrozen), parameter.Name);
            Assert.That(
                optimizer.States.Any(state => state.Parameter == parameter), Is.EqualTo(!isFrozen), parameter.Name);
        }
    }

    [Test]
    public void Fact17_ZeroLambda_HoldsNoAnchor()
    {
        using Backend backend = Backends.Open("cpu");
        using var model = (CausalModel)ModelLoader.Load(_runs.Final("base"), backend, DType.F32, 32, _ => { });
        using var quiet = new StopSignal(folder: null, _ => { });
        using var marks = new Alignments(
            Pulled("marks", new L2SpConfig { First = 0, Middle = 0.05, Last = 0, Other = 0 }), model, _ => { }, quiet);
        LayerRange middle = LayerGroups.Of(6).Middle;
        foreach (Parameter parameter in model.Parameters.All)
        {
            bool isPulled = LayerGroups.LayerOf(parameter.Name) is { } layer && middle.Contains(layer);
            Assert.That(marks.PullOn(parameter).IsNone, Is.EqualTo(!isPulled), parameter.Name);
        }
    }

    [Test]
    public void Fact17_ZeroLambdas_TrainLikeNoRegulariser()
    {
        _runs.Train(_runs.From("base", "free"));
        _runs.Train(Pulled("zero", new L2SpConfig { First = 0, Middle = 0, Last = 0, Other = 0 }));
        Assert.That(_runs.Weights("zero"), Is.EqualTo(_runs.Weights("free")));
    }

    [Test]
    public void Fact18_LargerLambda_MovesTheMiddleLess()
    {
        double previous = double.PositiveInfinity;
        foreach (double lambda in new[] { 0.01, 1, 100 })
        {
            string name = $"pulled-{lambda}";
            _runs.Train(Pulled(name, new L2SpConfig { First = 0, Middle = lambda, Last = 0, Other = 0 }));
            double moved = MiddleDrift(name);
            Assert.That(moved, Is.LessThan(previous));
            previous = moved;
        }
    }

    [Test]
    public void Fact20_Accumulation_EqualsOneLargeBatch()
    {
        RunConfig whole = _runs.From("base", "whole"), split = _runs.From("base", "split");
        L2SpConfig pull = new() { First = 0.01, Middle = 0.05, Last = 0.01, Other = 0.01 };
        _runs.Train(whole with { Alignment = new AlignmentConfig { L2Sp = pull } });
        _runs.Train(split with
        {
            Alignment = new AlignmentConfig { L2Sp = pull },
            Training = split.Training with { BatchSize = 2, GradientAccumulationSteps = 2 },
        });
        IReadOnlyDictionary<long, double> one = _runs.Losses("whole"), two = _runs.Losses("split");
        // The same sums in another order: a few ulp of a float a step.
        foreach (long step in one.Keys)
            Assert.That(two[step], Is.EqualTo(one[step]).Within(1e-5), $"step {step}");
    }

    [Test]
    public void FinishedRun_IsLeftAsItIs()
    {
        DateTime before = Directory.GetLastWriteTimeUtc(_runs.Final("base"));
        _runs.Train(_runs.Config("base"));
        Assert.That(Directory.GetLastWriteTimeUtc(_runs.Final("base")), Is.EqualTo(before));
    }

    [Test]
    public void Fault_C5_AnotherSeed_IsRefused()
    {
        RunException? refused = Assert.Throws<RunException>(() => _runs.Train(_runs.Config("base") with { Seed = 4 }));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("seed"));
    }

    [Test]
    public void Fault_N1_Overflow_StopsWithTheWeightsOfTheStepBefore()
    {
        RunConfig config = _runs.From("base", "overflow");
        RunException? stopped = Assert.Throws<RunException>(() => _runs.Train(config with
        {
            Training = config.Training with { LearningRate = 1e38, WarmupSteps = 0, EvalSteps = 0, SaveSteps = 0 },
        }));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Numerics));
        Assert.That(stopped.Message, Does.Contain("gradient norm"));
        Assert.That(Directory.Exists(_runs.Final("overflow")), Is.False);
    }

    [Test]
    public void Fact23_BestCheckpoint_IsRestoredAfterEarlyStopping()
    {
        RunConfig config = _runs.From("base", "early");
        _runs.Train(config with
        {
            Training = config.Training with
            {
                MaxSteps = 40, EvalSteps = 2, LearningRate = 0.3, Scheduler = Scheduler.Constant, SaveSteps = 0,
                EarlyStopping = new EarlyStoppingConfig { Patience = 2, Threshold = 0.001 },
            },
        });
        string[] lines =
            [.. File.ReadAllLines(_runs.Path("early/metrics.jsonl")).Where(line => line.Contains("\"eval\""))];
        Assert.That(lines, Has.Length.LessThan(20), "a rate this high stops early");
        string kept = Directory.GetDirectories(_runs.Path("early/checkpoints"), "step-*").Order().First();
        byte[] best = File.ReadAllBytes(Path.Combine(kept, "model.safetensors"));
        Assert.That(_runs.Weights("early"), Is.EqualTo(best));
    }

    [Test]
    public void Fact23_BestCheckpoint_IsKept_WhenAStopCutItsEvaluationShort()
    {
        RunConfig whole = WithEarlyStopping(_runs.From("base", "early-whole"));
        _runs.Train(whole);
        long best = _runs.Metric("early-whole", "loss", "eval").MinBy(evaluation => evaluation.Value).Key;
        using var stop = new StopSignal(folder: null, _ => { });
        RunConfig cut = WithEarlyStopping(_runs.From("base", "early-cut"));
        Assert.That(
            () => _runs.Train(cut, console: new StopAtLine($"step {best} ", stop), stop: stop),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Resumable));
        _runs.Train(cut);
        Assert.That(_runs.Weights("early-cut"), Is.EqualTo(_runs.Weights("early-whole")));
    }

    [Test]
    public void MaxTokens_CountsPredictedTokens()
    {
        const long Asked = 1500;
        RunConfig config = _runs.Config("tokens");
        _runs.Train(config with { Training = config.Training with { MaxSteps = 0, MaxTokens = Asked, EvalSteps = 0 } });
        double[] tokens = [.. _runs.Metric("tokens", "tokens").OrderBy(step => step.Key).Select(step => step.Value)];
        Assert.That(tokens[^1], Is.GreaterThanOrEqualTo(Asked));
        Assert.That(tokens[^2], Is.LessThan(Asked));
    }

    [Test]
    public void LanguageWithoutValidation_IsRefusedByName()
    {
        RunConfig config = _runs.Config("unvalidated");
        RunException refused = Assert.Throws<RunException>(
            () => _runs.Train(config with { Data = config.Data with { ValidationShare = 0.0001 } }))!;
        Assert.That(refused.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("data.languages.en: none of its 40 documents"));
    }

    [Test]
    public void EarlyStopping_WithoutValidation_IsRefused()
    {
        RunConfig config = WithEarlyStopping(_runs.Config("unjudged"));
        RunException refused = Assert.Throws<RunException>(
            () => _runs.Train(config with { Data = config.Data with { ValidationShare = 0 } }))!;
        Assert.That(refused.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("early_stopping").And.Contain("validation_share"));
    }

    private static RunConfig WithEarlyStopping(RunConfig config) => config with
    {
        Training = config.Training with
        {
            MaxSteps = 40, EvalSteps = 2, LearningRate = 0.3, Scheduler = Scheduler.Constant, SaveSteps = 1,
            SaveTotalLimit = 1, EarlyStopping = new EarlyStoppingConfig { Patience = 2, Threshold = 0.001 },
        },
    };

    private RunConfig Pulled(string name, L2SpConfig pull) =>
        _runs.From("base", name) with { Alignment = new AlignmentConfig { L2Sp = pull } };

    private double MiddleDrift(string name)
    {
        using ModelFolder origin = ModelFolder.Open(_runs.Final("base"), _ => { });
        using ModelFolder moved = ModelFolder.Open(_runs.Final(name), _ => { });
        LayerRange middle = LayerGroups.Of(6).Middle;
        return Drift.Measure(origin, moved).Where(part => middle.Contains(part.Key)).Sum(part => part.Value.Distance);
    }
}
