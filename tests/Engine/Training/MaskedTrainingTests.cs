using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Encoders pretrained by whole runs: what holds for decoders holds for them.</summary>
[Category("slow")]
internal sealed class MaskedTrainingTests
{
    private MaskedRun _masked = null!; // SetUp makes it

    private TinyRun Runs => _masked.Runs;

    [OneTimeSetUp]
    public void SetUp()
    {
        _masked = new MaskedRun();
        Runs.Train(_masked.Config("base"));
    }

    [OneTimeTearDown]
    public void TearDown() => _masked.Dispose();

    [Test]
    public void SameSeed_GivesTheSameBits_AtAnyThreadCount()
    {
        Runs.Train(_masked.Config("again") with { Threads = 1 });
        Assert.That(Runs.Weights("again"), Is.EqualTo(Runs.Weights("base")));
        Assert.That(Runs.Losses("again"), Is.EqualTo(Runs.Losses("base")));
        Runs.Train(_masked.Config("other") with { Seed = 4 });
        Assert.That(Runs.Weights("other"), Is.Not.EqualTo(Runs.Weights("base")));
    }

    [Test]
    public void StoppedRun_GoesOnWithTheSameBits([Values(1, 3, 4, 7)] int step)
    {
        string name = $"stopped-{step}";
        using var stop = new StopSignal(folder: null, _ => { });
        var console = new StopAtLine($"step {step} ", stop);
        RunException? stopped = Assert.Throws<RunException>(
            () => Runs.Train(_masked.Config(name), console: console, stop: stop));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resumable));
        Runs.Train(_masked.Config(name));
        Assert.That(Runs.Weights(name), Is.EqualTo(Runs.Weights("base")));
        Assert.That(Runs.Losses(name), Is.EqualTo(Runs.Losses("base")));
    }

    /// <summary>The mean over the tokens of a step does not depend on how they are divided, but for rounding.</summary>
    [Test]
    public void SplitBatches_GiveTheSameLosses()
    {
        RunConfig config = _masked.Config("split");
        Runs.Train(config with
        {
            Training = config.Training with { BatchSize = 1, GradientAccumulationSteps = 4 },
        });
        IReadOnlyDictionary<long, double> split = Runs.Losses("split"), whole = Runs.Losses("base");
        // The first step's weights are the same; rounding of the updates then parts the runs.
        Assert.That(split[1], Is.EqualTo(whole[1]).Within(1e-6 * whole[1]));
        Assert.That(split[8], Is.EqualTo(whole[8]).Within(1e-3 * whole[8]));
    }

    [Test]
    public void Training_LowersTheEvaluatedLoss_AndEvalFindsTheSame()
    {
        RunConfig config = _masked.From("base", "longer");
        Runs.Train(config with
        {
            Training = config.Training with { MaxSteps = 60, EvalSteps = 30, EvalDocuments = 0, SaveSteps = 0 },
        });
        IReadOnlyDictionary<long, double> losses = Runs.Metric("longer", "loss", "eval/en");
        Assert.That(losses[60], Is.LessThan(losses[30]).And.LessThan(Math.Log(300)));
        using var evaluation = new ModelEvaluation(
            Runs.Final("longer"), _masked.Tokenizer, "cpu", 2, Precision.Fp32, context: 32, batchTokens: 64,
            Assert.Fail);
        using FastCpt.Engine.Data.TokenShard shard = new FastCpt.Engine.Data.Corpora(
            config.Data, Runs.Path("shards"), evaluation.Tokenizer, _ => { },
            new StopSignal(null, _ => { }), 1, FileSystem.Real).Open(config.Data.Languages[0]);
        LanguageScore score = evaluation.Measure(
            "en", shard, 0, config.Data.SplitSeed, new StopSignal(null, _ => { }));
        Assert.That(score.LossNats, Is.EqualTo(losses[60]).Within(1e-6));
    }

    [Test]
    public void FinalFolder_IsAnEncoder_ThatCommandsUnderstand()
    {
        using ModelFolder folder = ModelFolder.Open(Runs.Final("base"), Assert.Fail);
        var config = (EncoderConfig)folder.Config;
        // The ends of the tokenizer, not those of XLM-R.
        Assert.That((config.PadToken, config.EosTokens[0], config.BosToken), Is.EqualTo(((int?)0, 1, (int?)2)));
        Assert.That(config.HasMaskedHead, Is.True);
        Call inspect = Call.Of("inspect", Runs.Final("base"), "--verify");
        Assert.That(inspect.Code, Is.EqualTo(ExitCode.Done), inspect.Output + inspect.Error);
        Assert.That(inspect.Output, Does.Contain("xlm-roberta").And.Contain("parameters_last: 1960"));
        File.WriteAllText(Runs.Path("plan.yaml"), _masked.Config("planned").ToYaml());
        Call plan = Call.Of("plan", Runs.Path("plan.yaml"));
        Assert.That(plan.Code, Is.EqualTo(ExitCode.Done), plan.Error);
        Assert.That(plan.Output, Does.Contain($"{ParameterLayout.Count(config)}"));
    }

    [Test]
    public void WrappedRows_AndTooLongOnes_AreRefused()
    {
        int attempts = 0;
        RunConfig config = _masked.Config("refused");
        Assert.That(Refusal(config with { Data = config.Data with { Packing = PackingMode.Wrapped } }),
            Does.Contain("data.packing"));
        Assert.That(Refusal(config with { Data = config.Data with { MaxSeqLength = 40 } }),
            Does.Contain("39 positions"));
        Assert.That(Refusal(config with { Tokenizer = Runs.Path("tokenizer") }), Does.Contain("<mask>"));

        string Refusal(RunConfig wrong)
        {
            RunException? refused = Assert.Throws<RunException>(
                () => Runs.Train(wrong with { OutputDir = Runs.Path($"refused-{attempts++}") }));
            Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
            return refused.Message;
        }
    }
}
