using System.Runtime.InteropServices;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;
using FastCpt.Engine.Training;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Training;

/// <summary>What the folder of a finished run holds: what came from the base, and what was trained with.</summary>
[Category("slow")]
internal sealed class FinalModelTests
{
    private TinyRun _runs = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp()
    {
        _runs = new TinyRun();
        RunConfig config = _runs.Config("base");
        _runs.Train(config with { Training = config.Training with { MaxSteps = 2, EvalSteps = 0 } });
        Directory.CreateDirectory(_runs.Final("half"));
        StoreAsHalf(_runs.Final("base"), _runs.Final("half"));
    }

    [OneTimeTearDown]
    public void TearDown() => _runs.Dispose();

    [TestCase("base", Precision.Bf16)]
    [TestCase("base", Precision.PureBf16)]
    [TestCase("half", Precision.Fp32)]
    [TestCase("half", Precision.Bf16)]
    public void Fact14_FrozenTensors_KeepTheirBytes_WhateverIsComputedIn(string origin, Precision precision)
    {
        string name = $"frozen-{origin}-{precision}";
        _runs.Train(Frozen(origin, name) with { Precision = precision });
        using TensorFolder before = TensorFolder.Open(_runs.Final(origin), _ => { });
        using TensorFolder after = TensorFolder.Open(_runs.Final(name), _ => { });
        foreach (TensorEntry entry in before.Entries)
        {
            TensorEntry found = after.Find(entry.Name)!; // the same model
            Assert.That(found.Type, Is.EqualTo(entry.Type), entry.Name);
            bool isFrozen = entry.Name.Contains("layers.2.") || entry.Name.Contains("layers.3.");
            Assert.That(Bytes(after, found).SequenceEqual(Bytes(before, entry)), Is.EqualTo(isFrozen), entry.Name);
        }
    }

    /// <summary>Frozen weights are copied at the end: from what was loaded at the start, or not at all.</summary>
    [Test]
    public void Fault_C5_BaseThatChangesWhileItIsTrained_GivesNoModel_UntilItIsBack()
    {
        string file = Path.Combine(_runs.Final("moving"), "model.safetensors");
        Directory.CreateDirectory(_runs.Final("moving"));
        foreach (string path in Directory.GetFiles(_runs.Final("base")))
            File.Copy(path, Path.Combine(_runs.Final("moving"), Path.GetFileName(path)));
        using var console = new LineWriter("step 1 ", Flip);
        RunException refused = Assert.Throws<RunException>(
            () => _runs.Train(Frozen("moving", "of-moving"), console: console))!;
        Assert.That(refused.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(refused.Message, Does.StartWith(_runs.Final("moving")).And.Contain("model model.safetensors"));
        Assert.That(Directory.Exists(_runs.Final("of-moving")), Is.False);
        Flip();
        _runs.Train(Frozen("moving", "of-moving"));
        Assert.That(Directory.Exists(_runs.Final("of-moving")), Is.True);

        void Flip()
        {
            byte[] bytes = File.ReadAllBytes(file);
            bytes[^4] ^= 1;
            File.WriteAllBytes(file, bytes);
        }
    }

    [Test]
    public void ModelOfAnotherTokenizer_GetsTheOneItWasTrainedWith()
    {
        string folder = _runs.Path("other-tokenizer");
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(_runs.Path("tokenizer")))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        File.AppendAllText(Path.Combine(folder, "tokenizer.json"), "\n");
        File.WriteAllText(Path.Combine(folder, "notes.txt"), "of the tokenizer");
        _runs.Train(Short(_runs.From("base", "retokenised")) with { Tokenizer = folder });
        Assert.That(
            Tokenizer.Load(_runs.Final("retokenised")).Sha256, Is.EqualTo(Tokenizer.Load(folder).Sha256));
        Assert.That(File.Exists(Path.Combine(_runs.Final("retokenised"), "notes.txt")), Is.False);
    }

    [Test]
    public void FreshModel_GetsTheTokenizerFile()
    {
        string file = _runs.Path("tokenizer/tokenizer.json");
        _runs.Train(Short(_runs.Config("fresh")) with { Tokenizer = file });
        Assert.That(Tokenizer.Load(_runs.Final("fresh")).Sha256, Is.EqualTo(Tokenizer.Load(file).Sha256));
    }

    [Test]
    public void NonFiniteWeights_MarkTheCheckpoint_AndGiveNoModel()
    {
        RunConfig config = _runs.From("base", "infinite");
        RunException refused = Assert.Throws<RunException>(() => _runs.Train(config with
        {
            Training = config.Training with
            {
                MaxSteps = 1, LearningRate = 1e38, WeightDecay = 10, WarmupSteps = 0, EvalSteps = 0,
            },
        }))!;
        Assert.That(refused.Code, Is.EqualTo(ExitCode.Numerics));
        Assert.That(Directory.Exists(_runs.Final("infinite")), Is.False);
        CheckpointFacts facts = Checkpoint.Open(_runs.Path("infinite/checkpoints/step-00000001"))!.Facts;
        Assert.That(facts.AreParametersFinite, Is.False);
    }

    private RunConfig Frozen(string origin, string name) => Short(_runs.From(origin, name)) with
    {
        Alignment = new AlignmentConfig
        {
            FirstLayers = 2, LastLayers = 2, Freeze = new FreezeConfig { Groups = [LayerGroup.Middle] },
        },
    };

    private static RunConfig Short(RunConfig config) => config with
    {
        Training = config.Training with { MaxSteps = 2, WarmupSteps = 0, EvalSteps = 0, SaveSteps = 0 },
    };

    private static byte[] Bytes(TensorFolder folder, TensorEntry entry)
    {
        var bytes = new byte[entry.ByteCount];
        folder.Read(entry.Name, bytes);
        return bytes;
    }

    /// <summary>Writes a folder of F32 weights again in F16.</summary>
    private static void StoreAsHalf(string source, string target)
    {
        using TensorFolder weights = TensorFolder.Open(source, _ => { });
        Directory.Delete(target);
        using var output = new FolderWriter(target);
        TensorFolderWriter.Write(
            output,
            [.. weights.Entries.Select(entry => new TensorEntry(entry.Name, DType.F16, entry.Shape))],
            (entry, stream) =>
            {
                ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(Bytes(weights, weights.Find(entry.Name)!));
                foreach (float value in values)
                    stream.Write(MemoryMarshal.AsBytes((ReadOnlySpan<Half>)[(Half)value]));
            });
        TensorFolderWriter.CopyOthers(source, output);
        output.Complete();
    }
}
