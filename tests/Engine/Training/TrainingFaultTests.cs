using System.Security.Cryptography;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Tokenizers;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Rows N2 to N5 of the fault matrix in whole runs, and the numbers at the edge of what is finite.</summary>
[Category("slow")]
internal sealed class TrainingFaultTests
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

    /// <summary>Rows are as long as makes the epoch's last one a single token, which predicts nothing.</summary>
    [Test]
    public void Fault_N2_BatchWithoutATarget_AddsNothing_AndAStepOfThemIsPassedOver()
    {
        (DataConfig data, int rows) = RowsWithASingleToken();
        RunConfig config = _runs.Config("alone") with { Data = data };
        TrainingConfig training = config.Training with
        {
            MaxSteps = rows, BatchSize = 1, EvalSteps = 0, SaveSteps = 0, LearningRate = 1e-3,
        };
        using var console = new StringWriter();
        _runs.Train(config with { Training = training }, console: console);
        Assert.That(console.ToString().Split("predict no token").Length - 1, Is.EqualTo(1));
        Assert.That(_runs.Losses("alone"), Has.Count.EqualTo(rows));
        Assert.That(_runs.Losses("alone").Values, Has.All.GreaterThan(0));

        using var together = new StringWriter();
        config = config with { OutputDir = _runs.Path("together") };
        _runs.Train(
            config with { Training = training with { GradientAccumulationSteps = 2, MaxSteps = rows / 2 + 1 } },
            console: together);
        Assert.That(together.ToString(), Does.Not.Contain("warning"));
        Assert.That(_runs.Losses("together").Values, Has.All.InRange(1, 10));
    }

    [Test]
    public void Fault_N3_WeightsThatOverflow_EndWith5()
    {
        using FolderBuilder huge = Scaled("model.layers.", 1e20);
        RunConfig config = From(huge, "overflow");
        RunException? stopped = Assert.Throws<RunException>(() => _runs.Train(config));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Numerics));
        Assert.That(Directory.Exists(_runs.Final("overflow")), Is.False);
    }

    [Test]
    public void Fault_N3_LogitsOfTenThousand_HaveAFiniteLoss()
    {
        using FolderBuilder sharp = Scaled("model.norm.weight", 1e5);
        _runs.Train(From(sharp, "sharp"));
        Assert.That(_runs.Losses("sharp")[1], Is.InRange(1e3, 1e6));
        Assert.That(_runs.Metric("sharp", "grad_norm").Values, Has.All.GreaterThan(0).And.All.LessThan(1e12));
    }

    [Test]
    public void Fault_N4_FrozenTensors_KeepTheirBytes_ThroughDecayClippingAndResume(
        [Values(DType.F32, DType.BF16)] DType stored,
        [Values(Precision.Fp32, Precision.Bf16, Precision.PureBf16)] Precision precision)
    {
        string name = $"frozen-{stored}-{precision}";
        using FolderBuilder origin = Scaled("model.", 1 / 3.0, stored);
        RunConfig config = From(origin, name) with
        {
            Precision = precision,
            Alignment = new AlignmentConfig { Freeze = new FreezeConfig { Groups = [LayerGroup.Middle] } },
        };
        config = config with
        {
            Training = config.Training with { WeightDecay = 0.5, MaxGradNorm = 0.01, MaxSteps = 6 },
        };
        using var stop = new StopSignal(folder: null, _ => { });
        using var console = new LineWriter("step 3 ", () => stop.RequestStop("the test"));
        Assert.That(
            () => _runs.Train(config, console: console, stop: stop),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Resumable));
        _runs.Train(config);

        LayerRange middle = LayerGroups.Of(6).Middle;
        using TensorFolder before = TensorFolder.Open(origin.Path, _ => { });
        using TensorFolder after = TensorFolder.Open(_runs.Final(name), _ => { });
        foreach (TensorEntry entry in before.Entries)
        {
            bool isFrozen = LayerGroups.LayerOf(entry.Name) is { } layer && middle.Contains(layer);
            Assert.That(Hash(after, entry.Name) == Hash(before, entry.Name), Is.EqualTo(isFrozen), entry.Name);
        }
    }

    [Test]
    public void Fault_N5_TrainedTensorWithoutGradient_EndsWith3AndItsName()
    {
        RunConfig config = _runs.From("base", "silent");
        RunException? refused = Assert.Throws<RunException>(
            () => _runs.Train(config, faults: new Detached("model.layers.2.mlp.gate_proj.weight")));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(
            refused.Message, Does.StartWith("1 trained tensors got no gradient in 3 steps: model.layers.2.mlp.gate"));
    }

    private static string Hash(TensorFolder folder, string tensor)
    {
        var bytes = new byte[folder.Find(tensor)!.ByteCount];
        folder.Read(tensor, 0, bytes);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    private RunConfig From(FolderBuilder origin, string name)
    {
        RunConfig config = _runs.Config(name);
        return config with
        {
            Model = new ModelSource { Path = origin.Path },
            Training = config.Training with { MaxSteps = 3, EvalSteps = 0, SaveSteps = 0 },
        };
    }

    private static FolderBuilder Scaled(string start, double factor, DType stored = DType.F32)
    {
        var folder = new FolderBuilder(ModelRecipe.ToConfig(TinyRun.Recipe, vocabularySize: 300), stored);
        foreach (ParameterShape parameter in ParameterLayout.Of(folder.Config))
            if (parameter.Name.StartsWith(start, StringComparison.Ordinal))
                foreach (ref double value in folder[parameter.Name].AsSpan())
                    value *= factor;
        return folder.Write();
    }

    private (DataConfig Data, int Rows) RowsWithASingleToken()
    {
        DataConfig data = _runs.Config("alone").Data;
        string text = _runs.Path("short.jsonl");
        data = data with
        {
            Packing = PackingMode.Wrapped, MaxSeqLength = 64,
            Languages = [data.Languages[0] with { Files = [text] }],
        };
        using var quiet = new StopSignal(folder: null, _ => { });
        for (int count = 20; ; count++)
        {
            File.WriteAllLines(
                text, Enumerable.Range(1, count).Select(i => $"{{\"text\": \"Row {i} says {i * i} words.\"}}"));
            var corpora = new Corpora(
                data, _runs.Path("shards"), Tokenizer.Load(_runs.Path("tokenizer")), _ => { }, quiet, threads: 1);
            using TokenShard shard = corpora.Open(data.Languages[0]);
            long tokens = shard.Training.Sum(document => (long)document.Count);
            for (int length = (int)shard.Training.Max(document => document.Count); length <= 64; length++)
                if (tokens % length == 1)
                    return (data with { MaxSeqLength = length }, (int)(tokens / length));
        }
    }

    /// <summary>A parameter that the loss does not reach.</summary>
    private sealed class Detached(string name) : StepFaults
    {
        public override double BeforeUpdate(long step, double lossNats, AdamW optimizer)
        {
            Parameter parameter = optimizer.States.Single(state => state.Parameter.Name == name).Parameter;
            using Backend backend = Backends.Open("cpu", threads: 1);
            backend.Fill(0, parameter.Gradient);
            return lossNats;
        }
    }
}
