using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>
/// Negative controls of resuming: with any part of the restored state a little wrong, the final bytes differ.
/// </summary>
/// <remarks>So what the resume tests compare depends on all that a checkpoint restores.</remarks>
[Category("slow")]
internal sealed class ResumeControlTests
{
    private const int StoppedStep = 5;

    private TinyRun _runs = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp() => _runs = new TinyRun();

    [OneTimeTearDown]
    public void TearDown() => _runs.Dispose();

    [Test]
    public void Resume_AsItIs_EndsWithTheSameBytes(
        [Values] PackingMode packing, [Values("fp32", "bf16")] string type) =>
        Assert.That(Resumed(Plain(packing, type), _ => { }), Is.EqualTo(Whole(Plain(packing, type))));

    /// <summary>The data stay in step, the learning rate and the moments' corrections do not.</summary>
    [TestCase(1)]
    [TestCase(-1)]
    public void Control_ScheduleOffByOne(int by) => Differs(
        checkpoint => CheckpointTampering.Shift(checkpoint, ("step", by), ("passed_over", -by)));

    [TestCase(1)]
    [TestCase(-1)]
    public void Control_DataOffByOne(int by) => Differs(
        checkpoint => CheckpointTampering.Shift(checkpoint, ("passed_over", by)));

    /// <summary>Wrapped rows begin inside a document; where is all that they carry over.</summary>
    [Test]
    public void Control_PackedRowsOffByOne() => Differs(
        checkpoint => CheckpointTampering.Shift(checkpoint, ("passed_over", 1)), PackingMode.Wrapped);

    [TestCase("first_moment")]
    [TestCase("second_moment")]
    [TestCase("model.norm.weight.first_moment")]
    public void Control_MomentsZeroed(string ending) => Differs(
        checkpoint => CheckpointTampering.Optimize(checkpoint, ending, bytes => bytes.Clear()));

    [Test]
    public void Control_MastersRounded() => Differs(
        checkpoint => CheckpointTampering.Optimize(checkpoint, ".master", bytes =>
        {
            for (int i = 0; i < bytes.Length; i += sizeof(float))
                bytes.Slice(i, 2).Clear();      // what BF16 does not hold
        }),
        type: "bf16");

    [Test]
    public void Control_OneWeightOneUlpOff() => Differs(
        checkpoint => CheckpointTampering.Weight(checkpoint, "model.norm.weight", bytes => bytes[0] ^= 1));

    /// <summary>Generators have no state to lose: their key is the seed that run.json keeps.</summary>
    [Test]
    public void Control_AnotherKeyOfRandomness()
    {
        RunConfig config = Plain(PackingMode.Isolated, "fp32");
        byte[] resumed = Resumed(config, checkpoint =>
        {
            string record = Path.Combine(checkpoint, "..", "..", "run.json");
            string text = File.ReadAllText(record);
            Assert.That(text, Does.Contain("\"seed\":3"));
            File.WriteAllText(record, text.Replace("\"seed\":3", "\"seed\":4"));
            CheckpointTampering.Configure(
                checkpoint, ResumePolicy.Fingerprint(config with { OutputDir = _runs.Path("resumed"), Seed = 4 }));
        }, seed: 4);
        Assert.That(resumed, Is.Not.EqualTo(Whole(config)));
    }

    [Test]
    public void Control_EarlyStoppingForgotten()
    {
        RunConfig config = Plain(PackingMode.Isolated, "fp32");
        config = config with
        {
            Training = config.Training with
            {
                EvalSteps = 2, EarlyStopping = new EarlyStoppingConfig { Patience = 2, Threshold = 100 },
            },
        };
        byte[] whole = Whole(config, "early");
        Assert.That(Resumed(config, _ => { }, step: 3), Is.EqualTo(whole));
        Assert.That(
            Resumed(config, checkpoint => CheckpointTampering.Shift(checkpoint, ("misses", -1)), step: 3),
            Is.Not.EqualTo(whole));
    }

    private void Differs(Action<string> tamper, PackingMode packing = PackingMode.Isolated, string type = "fp32")
    {
        RunConfig config = Plain(packing, type);
        Assert.That(Resumed(config, tamper), Is.Not.EqualTo(Whole(config)));
    }

    private RunConfig Plain(PackingMode packing, string type)
    {
        RunConfig config = _runs.Config("none");
        return config with
        {
            Threads = 1,
            Precision = type == "fp32" ? Precision.Fp32 : Precision.Bf16,
            Data = config.Data with { Packing = packing },
            Training = config.Training with { SaveSteps = 0, EvalSteps = 0 },
        };
    }

    /// <summary>Final weights of the run that nothing interrupts, made once.</summary>
    private byte[] Whole(RunConfig config, string kind = "")
    {
        string name = $"whole-{config.Data.Packing}-{config.Precision}{kind}";
        if (!Directory.Exists(_runs.Path(name)))
            _runs.Train(config with { OutputDir = _runs.Path(name) });
        return _runs.Weights(name);
    }

    /// <summary>Final weights of a run that is stopped, tampered with and started again.</summary>
    private byte[] Resumed(RunConfig config, Action<string> tamper, ulong seed = 3, int step = StoppedStep)
    {
        const string Name = "resumed";
        if (Directory.Exists(_runs.Path(Name)))
            FileSystem.Real.DeleteFolder(_runs.Path(Name));
        RunConfig run = config with { OutputDir = _runs.Path(Name) };
        using var stop = new StopSignal(null, _ => { });
        using var console = new StopAtLine($"step {step} ", stop);
        RunException stopped = Assert.Throws<RunException>(() => _runs.Train(run, console: console, stop: stop))!;
        Assert.That(stopped.Code, Is.EqualTo(ExitCode.Resumable));
        tamper(_runs.Path($"{Name}/checkpoints/step-{step:00000000}"));
        _runs.Train(run with { Seed = seed });
        return _runs.Weights(Name);
    }
}
