using System.Text;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Encoders from and to Hugging Face folders: every spelling that is published, and what is refused.
/// </summary>
public sealed class EncoderFolderTests
{
    private const string Words = "roberta.embeddings.word_embeddings.weight";

    private static EncoderConfig Tiny { get; } = new()
    {
        VocabularySize = 13, Width = 8, Layers = 2, Heads = 2, InnerWidth = 10, MaxPositions = 10, NormEpsilon = 1e-5f,
        HiddenDropout = 0.1f, AttentionDropout = 0.1f, HasMaskedHead = true, BosToken = 0, PadToken = 1,
        EosTokens = [2],
    };

    [Test]
    public void Loader_AcceptsNamesWithoutPrefix_AndGammaAndBeta_AndIgnoresWhatIsNotTheModels()
    {
        using FolderBuilder published = new FolderBuilder(Tiny).Write(), old = new(Tiny);
        old.Rename(name => name.Replace("roberta.", "").Replace("LayerNorm.weight", "LayerNorm.gamma")
                .Replace("LayerNorm.bias", "LayerNorm.beta"))
            .Set("pooler.dense.weight", DType.F32, [8, 8]).Set("pooler.dense.bias", DType.F32, [8])
            .Set("embeddings.position_ids", DType.F32, [1, 10])
            .Copy("embeddings.word_embeddings.weight", "lm_head.decoder.weight")
            .Copy("lm_head.bias", "lm_head.decoder.bias").Write();
        var warnings = new List<string>();
        Assert.That(Values(old.Path, warnings), Is.EqualTo(Values(published.Path, [])));
        Assert.That(warnings, Has.One.Contains("5 tensors"));
    }

    [Test]
    public void Loader_LeavesTheMaskedHeadOut_WhereItIsNotWanted()
    {
        using FolderBuilder folder = new FolderBuilder(Tiny).Set("classifier.weight", DType.F32, [3, 8])
            .Set("classifier.bias", DType.F32, [3]).Write();
        using ModelFolder bare = ModelFolder.Open(folder.Path, _ => { }, withHead: false);
        Assert.That(((EncoderConfig)bare.Config).HasMaskedHead, Is.False);
        using Backend backend = Backends.Open("cpu");
        using Model model = ModelLoader.Load(bare, backend, DType.F32, 8, Assert.Fail);
        Assert.That(model.Parameters.All.Select(parameter => parameter.Name), Has.None.StartsWith("lm_head"));
        Assert.That(model.Parameters.Count, Is.EqualTo(ParameterLayout.Count(Tiny with { HasMaskedHead = false })));
    }

    [Test]
    public void Loader_RefusesAHeadThatIsNotTied()
    {
        using FolderBuilder folder =
            new FolderBuilder(Tiny).Set("lm_head.decoder.weight", DType.F32, [13, 8]).Write();
        RunException? refused = Assert.Throws<RunException>(() => ModelFolder.Open(folder.Path, _ => { }).Dispose());
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(refused.Message, Does.Contain("lm_head.decoder.weight").And.Contain(Words));
    }

    [Test]
    public void Loader_RefusesMissingAndUnknownTensors()
    {
        using FolderBuilder missing =
            new FolderBuilder(Tiny).Remove("roberta.encoder.layer.1.output.LayerNorm.bias").Write();
        using FolderBuilder more = new FolderBuilder(Tiny).Set("roberta.extra", DType.F32, [2]).Write();
        using FolderBuilder twice = new FolderBuilder(Tiny).Copy(Words, "embeddings.word_embeddings.weight").Write();
        Assert.That(Refusal(missing), Does.Contain("roberta.encoder.layer.1.output.LayerNorm.bias"));
        Assert.That(Refusal(more), Does.Contain("roberta.extra"));
        Assert.That(Refusal(twice), Does.Contain(Words).And.Contain("both"));

        static string Refusal(FolderBuilder folder) =>
            Assert.Throws<RunException>(() => ModelFolder.Open(folder.Path, _ => { }).Dispose())!.Message;
    }

    [Test]
    public void SavedEncoder_LoadsWithTheSameBits_AndTheSameConfig([Values(DType.F32, DType.BF16)] DType type)
    {
        using FolderBuilder folder = new FolderBuilder(Tiny).Write();
        using Backend backend = Backends.Open("cpu");
        using Model model = ModelLoader.Load(folder.Path, backend, type, 8, Assert.Fail);
        string saved = Path.Combine(folder.Path, "saved");
        ModelSaver.Save(saved, model, type);
        using Model again = ModelLoader.Load(saved, backend, type, 8, Assert.Fail);
        Assert.That(again.Config.IsSameAs(model.Config), Is.True);
        foreach (Parameter parameter in model.Parameters.All)
            Assert.That(
                TestTensors.Read(backend, again.Parameters[parameter.Name].Value),
                Is.EqualTo(TestTensors.Read(backend, parameter.Value)), parameter.Name);
    }

    [TestCase("xlm-roberta", 30_522)]
    [TestCase("roberta", 50_265)]
    public void Reader_FillsInPublishedDefaults(string kind, int vocabulary)
    {
        var config = (EncoderConfig)Parse($"{{\"model_type\": \"{kind}\"}}").Config;
        Assert.That(config.ModelType, Is.EqualTo(kind));
        Assert.That(
            (config.VocabularySize, config.Width, config.Layers, config.Heads, config.InnerWidth, config.MaxPositions),
            Is.EqualTo((vocabulary, 768, 12, 12, 3072, 512)));
        Assert.That(
            (config.HiddenDropout, config.AttentionDropout, config.NormEpsilon, config.TokenTypes),
            Is.EqualTo((0.1f, 0.1f, 1e-12f, 2)));
        Assert.That((config.BosToken, config.PadToken, config.HasMaskedHead), Is.EqualTo(((int?)0, (int?)1, false)));
        Assert.That(config.EosTokens, Is.EqualTo(new[] { 2 }));
    }

    [Test]
    public void WrittenConfig_ReadsBack([Values] EncoderFamily family, [Values] bool head)
    {
        EncoderConfig config = Tiny with { Family = family, HasMaskedHead = head, ClassifierDropout = 0.25f };
        byte[] bytes = ModelConfigWriter.Write(config, DType.F32);
        ModelConfigFile back = ModelConfigReader.Parse(bytes, "written");
        Assert.That(back.Config.IsSameAs(config), Is.True);
        Assert.That(back.IgnoredKeys, Is.Empty);
        string text = Encoding.UTF8.GetString(bytes);
        Assert.That(text, Does.Contain(
            (family == EncoderFamily.Roberta ? "Roberta" : "XLMRoberta") + (head ? "ForMaskedLM" : "Model")));
    }

    [TestCase("\"hidden_act\": \"gelu_new\"", "gelu_new")]
    [TestCase("\"position_embedding_type\": \"relative_key\"", "relative_key")]
    [TestCase("\"is_decoder\": true", "is_decoder")]
    [TestCase("\"num_attention_heads\": 7", "num_attention_heads 7")]
    [TestCase("\"max_position_embeddings\": 2", "max_position_embeddings is 2")]
    [TestCase("\"hidden_dropout_prob\": 1", "hidden_dropout_prob")]
    [TestCase("\"add_cross_attention\": true", "add_cross_attention")]
    [TestCase("\"architectures\": [\"RobertaForMaskedLM\"], \"tie_word_embeddings\": false", "tie_word_embeddings")]
    public void Reader_RefusesWhatItCannotCompute(string members, string named)
    {
        RunException? refused = Assert.Throws<RunException>(() => Parse($"{{\"model_type\": \"roberta\", {members}}}"));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(refused.Message, Does.Contain(named));
    }

    private static ModelConfigFile Parse(string json) => ModelConfigReader.Parse(Encoding.UTF8.GetBytes(json), "test");

    private static Dictionary<string, double[]> Values(string path, List<string> warnings)
    {
        using Backend backend = Backends.Open("cpu");
        using Model model = ModelLoader.Load(path, backend, DType.F32, 8, warnings.Add);
        return model.Parameters.All.ToDictionary(
            parameter => parameter.Name, parameter => TestTensors.Read(backend, parameter.Value));
    }
}
