using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Folders whose config and weights do or do not fit.</summary>
public sealed class ModelFolderTests
{
    private const string Embedding = "model.embed_tokens.weight", Head = "lm_head.weight";
    private const string Up = "model.layers.1.mlp.up_proj.weight";

    private static DecoderConfig Llama(bool tied = true) =>
        TinyModels.Config(Architecture.Llama, tied: tied) with { AttentionScale = (float)(1 / Math.Sqrt(6)) };

    private static DecoderConfig Gemma => TinyModels.Config(Architecture.Gemma3);

    [Test]
    public void Fault_S15_MissingTensor()
    {
        using var folder = new FolderBuilder(Llama()).Remove(Up).Write();
        AssertRefused(folder, "MissingTensor", Up);
    }

    [Test]
    public void Fault_S15_UnexpectedTensor()
    {
        using var folder = new FolderBuilder(Llama()).Copy(Up, "model.layers.2.mlp.up_proj.weight").Write();
        AssertRefused(folder, "UnexpectedTensor", "model.layers.2.mlp.up_proj.weight");
    }

    [Test]
    public void Fault_S15_ShapeMismatch()
    {
        using var folder = new FolderBuilder(Llama()).Set(Up, DType.F32, [12, 10]).Write();
        AssertRefused(folder, "ShapeMismatch", Up, "[12, 10]", "[10, 12]");
    }

    [Test]
    public void Fault_S15_WholeNumbersAreNoWeights()
    {
        using var folder = new FolderBuilder(Llama()).Remove(Up).Write();
        folder.Set(Up, DType.BF16, [10, 12]).Write();
        Assert.That(() => ModelFolder.Open(folder.Path, _ => { }).Dispose(), Throws.Nothing);
    }

    [Test]
    public void Fault_M7_VocabularyDiffersFromTheEmbedding()
    {
        using var folder = new FolderBuilder(Llama()).Write();
        folder.Config = folder.Config with { VocabularySize = 14 };
        folder.Write();
        AssertRefused(folder, "ShapeMismatch", "[13, 12]", "[14, 12]");
    }

    [Test]
    public void Fault_M7_MoreLayersThanTheConfigSays()
    {
        using var folder = new FolderBuilder(Llama());
        folder.Config = (DecoderConfig)folder.Config with { Layers = 1, LocalLayers = [false] };
        folder.Write();
        AssertRefused(folder, "UnexpectedTensor", "9 tensors", "model.layers.1.");
    }

    [Test]
    public void Fault_M8_TiedWithoutHead_IsAccepted()
    {
        using var folder = new FolderBuilder(Llama(tied: true)).Write();
        using Backend backend = Backends.Open("reference");
        using var model = (CausalModel)ModelLoader.Load(folder.Path, backend, DType.F32, 8, Assert.Fail);
        Assert.That(model.Head, Is.SameAs(model.Parameters[Embedding]));
    }

    [Test]
    public void Fault_M8_TiedWithTheSameHead_IsAcceptedOnce()
    {
        using var folder = new FolderBuilder(Llama(tied: true)).Copy(Embedding, Head).Write();
        using ModelFolder opened = ModelFolder.Open(folder.Path, _ => { });
        Assert.That(opened.IgnoredTensorCount, Is.EqualTo(1));
    }

    [Test]
    public void Fault_M8_TiedWithAnotherHead_IsRefused()
    {
        using var folder = new FolderBuilder(Llama(tied: true)).Set(Head, DType.F32, [13, 12]).Write();
        AssertRefused(folder, "tie_word_embeddings is true", Head, Embedding);
    }

    [Test]
    public void Fault_M8_UntiedWithHead_IsAccepted()
    {
        using var folder = new FolderBuilder(Llama(tied: false)).Write();
        using Backend backend = Backends.Open("reference");
        using var model = (CausalModel)ModelLoader.Load(folder.Path, backend, DType.F32, 8, Assert.Fail);
        Assert.That(model.Head, Is.SameAs(model.Parameters[Head]));
        Assert.That(TestTensors.Read(backend, model.Head.Value), Is.EqualTo(folder[Head]));
    }

    [Test]
    public void Fault_M8_UntiedWithoutHead_IsRefused()
    {
        using var folder = new FolderBuilder(Llama(tied: false)).Remove(Head).Write();
        AssertRefused(folder, "tie_word_embeddings is false", Head);
    }

    [Test]
    public void Fault_M6_NonFiniteWeights_AreWarnedAbout(
        [Values(DType.F32, DType.BF16, DType.F16, DType.F64)] DType type)
    {
        using var folder = new FolderBuilder(Llama());
        folder.Set("model.norm.weight", type, [12], double.NaN, 1, double.PositiveInfinity, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        folder.Write();
        using Backend backend = Backends.Open("reference");
        var warnings = new List<string>();
        using var model = (CausalModel)ModelLoader.Load(folder.Path, backend, DType.F32, 8, warnings.Add);
        Assert.That(warnings, Has.Count.EqualTo(1));
        Assert.That(warnings[0], Does.Contain("2 of the 12").And.Contain("model.norm.weight"));
    }

    [TestCase("language_model.model.", "language_model.lm_head.weight", "")]
    [TestCase("model.language_model.", "lm_head.weight", "model.")]
    public void Loader_TakesTheTextPart_InEitherOrderOfPrefixes(string prefix, string head, string vision)
    {
        using var folder = new FolderBuilder(Gemma with { TiedHead = false });
        double[] norm = folder["model.norm.weight"], headValues = folder[Head];
        folder.Rename(name => name == Head ? head : prefix + name["model.".Length..])
            .Set($"{vision}vision_tower.patch", DType.F32, [3])
            .Set($"{vision}multi_modal_projector.norm", DType.F32, [2, 2]).Write();
        using Backend backend = Backends.Open("reference");
        var warnings = new List<string>();
        using var model = (CausalModel)ModelLoader.Load(folder.Path, backend, DType.F32, 8, warnings.Add);
        Assert.That(warnings, Has.Count.EqualTo(1).And.One.Contains("2 tensors"));
        Assert.That(TestTensors.Read(backend, model.Parameters["model.norm.weight"].Value), Is.EqualTo(norm));
        Assert.That(TestTensors.Read(backend, model.Head.Value), Is.EqualTo(headValues));
    }

    [Test]
    public void Folder_WithAParameterUnderTwoPrefixes_IsRefused()
    {
        using var folder = new FolderBuilder(Gemma)
            .Copy("model.norm.weight", "language_model.model.norm.weight").Write();
        AssertRefused(folder, "'model.norm.weight'", "'language_model.model.norm.weight'");
    }

    [Test]
    public void Folder_MayCarryRotaryTables()
    {
        using var folder = new FolderBuilder(Llama())
            .Set("model.layers.0.self_attn.rotary_emb.inv_freq", DType.F32, [3]).Write();
        using ModelFolder opened = ModelFolder.Open(folder.Path, _ => { });
        Assert.That(opened.IgnoredTensorCount, Is.EqualTo(1));
    }

    [Test]
    public void Folder_TellsWhichKeysItIgnores()
    {
        using var folder = new FolderBuilder(TinyModels.Config(Architecture.Llama)).Write(
            "{\"model_type\": \"llama\", \"hidden_size\": 12, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, "
            + "\"head_dim\": 6, \"intermediate_size\": 10, \"num_hidden_layers\": 2, \"vocab_size\": 13, "
            + "\"tie_word_embeddings\": true, \"auto_map\": {}, \"colour\": \"green\"}");
        var warnings = new List<string>();
        ModelFolder.Open(folder.Path, warnings.Add).Dispose();
        Assert.That(warnings, Has.Count.EqualTo(1).And.One.Contains("2 unknown keys").And.One.Contains("colour"));
    }

    /// <summary>Numbers reach every type exactly or rounded once: 1 + 2^-8 + 2^-40 goes down in two steps.</summary>
    [TestCase(DType.F64, 1 + 1 / 256.0 + 1.0 / (1L << 40), 1 + 1 / 256.0, 1 + 1 / 128.0)]
    [TestCase(DType.F32, 1 + 3 / 512.0, 1 + 3 / 512.0, 1 + 1 / 128.0)]
    [TestCase(DType.BF16, 1 + 1 / 128.0, 1 + 1 / 128.0, 1 + 1 / 128.0)]
    [TestCase(DType.F16, 1 + 3 / 512.0, 1 + 3 / 512.0, 1 + 1 / 128.0)]
    [TestCase(DType.F16, 5.9604644775390625e-08, 5.9604644775390625e-08, 5.9604644775390625e-08)]
    public void Loader_RoundsAtMostOnce(DType stored, double value, double single, double brain)
    {
        using var folder = new FolderBuilder(Llama()).Set(
            "model.norm.weight", stored, [12], [.. Enumerable.Repeat(value, 12)]).Write();
        foreach (string device in (string[])["reference", "cpu"])
        {
            using Backend backend = Backends.Open(device);
            Assert.That(Norm(backend, DType.F32), Is.All.EqualTo(single));
            Assert.That(Norm(backend, DType.BF16), Is.All.EqualTo(brain));
        }

        double[] Norm(Backend backend, DType type)
        {
            using var model = (CausalModel)ModelLoader.Load(folder.Path, backend, type, 8, Assert.Fail);
            return TestTensors.Read(backend, model.Parameters["model.norm.weight"].Value);
        }
    }

    [Test]
    public void Loader_StopsBetweenParameters()
    {
        using var folder = new FolderBuilder(Llama()).Write();
        using var stop = new StopSignal();
        stop.RequestStop("a test");
        using Backend backend = Backends.Open("reference");
        RunException error = Assert.Throws<RunException>(
            () => ModelLoader.Load(folder.Path, backend, DType.F32, 8, Assert.Fail, stop))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.Terminated));
    }

    private static void AssertRefused(FolderBuilder folder, params string[] message)
    {
        RunException error = Assert.Throws<RunException>(() => ModelFolder.Open(folder.Path, _ => { }))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
        foreach (string part in message)
            Assert.That(error.Message, Does.Contain(part));
    }
}
