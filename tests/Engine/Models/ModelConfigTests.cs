using System.Text;
using FastCpt.Engine.Models;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

public sealed class ModelConfigTests
{
    private static IEnumerable<string> GoldenCases =>
        Directory.GetDirectories(Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "models"))
            .Select(folder => Path.GetFileName(folder)!)
            .Where(name => name != "encoder-tiny").Order(StringComparer.Ordinal);

    internal static ModelConfigFile Parse(string json) =>
        ModelConfigReader.Parse(Encoding.UTF8.GetBytes(json), ModelConfigReader.FileName);

    internal static ModelConfigFile Golden(string name) =>
        ModelConfigReader.Read(Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "models", name));

    [Test]
    public void Reader_FillsInPublishedDefaults()
    {
        var llama = (DecoderConfig)Parse("{\"model_type\": \"llama\"}").Config;
        var qwen3 = (DecoderConfig)Parse("{\"model_type\": \"qwen3\"}").Config;
        var gemma = (DecoderConfig)Parse("{\"model_type\": \"gemma3_text\"}").Config;
        Assert.Multiple(() =>
        {
            Assert.That((llama.VocabularySize, llama.Width, llama.InnerWidth, llama.Layers, llama.Heads),
                Is.EqualTo((32_000, 4096, 11_008, 32, 32)));
            Assert.That((llama.KeyHeads, llama.HeadSize, llama.TiedHead, llama.NormEpsilon),
                Is.EqualTo((32, 128, false, 1e-6f)));
            Assert.That(llama.Rope, Is.EqualTo(new RopeConfig(1e4)));
            Assert.That((qwen3.VocabularySize, qwen3.HeadSize, qwen3.QueryKeyNorm, qwen3.QueryKeyValueBias),
                Is.EqualTo((151_936, 128, true, false)));
            Assert.That((gemma.VocabularySize, gemma.Width, gemma.InnerWidth, gemma.Layers, gemma.Heads),
                Is.EqualTo((262_208, 2304, 9216, 26, 8)));
            Assert.That((gemma.KeyHeads, gemma.HeadSize, gemma.Window, gemma.TiedHead, gemma.AttentionScale),
                Is.EqualTo((4, 256, 4096, true, 1 / 16f)));
            Assert.That((gemma.Rope, gemma.LocalRope), Is.EqualTo((new RopeConfig(1e6), new RopeConfig(1e4))));
            Assert.That((gemma.BosToken, gemma.EosTokens[0], gemma.PadToken), Is.EqualTo(((int?)2, 1, (int?)0)));
        });
    }

    [Test]
    public void Reader_TakesTheTextPartOfAMultimodalGemma()
    {
        ModelConfigFile file = Golden("gemma3-multimodal");
        var config = (DecoderConfig)file.Config;
        Assert.Multiple(() =>
        {
            Assert.That(file.IsMultimodal, Is.True);
            Assert.That(file.IgnoredKeys, Is.Empty);
            Assert.That(config.LocalLayers, Is.EqualTo(new[] { true, true, true, true, true, false, true }));
            Assert.That(config.Rope, Is.EqualTo(new RopeConfig(1e6, RopeScaling.Linear, 8)));
            Assert.That(config.LocalRope, Is.EqualTo(new RopeConfig(1e4)));
            Assert.That(config.EosTokens, Is.EqualTo(new[] { 1, 85 }));
            Assert.That(config.TiedHead, Is.True);
        });
    }

    [Test]
    public void Reader_ReadsLlama3ScalingInTheNewerSpelling()
    {
        var config = (DecoderConfig)Golden("llama3-untied-sharded").Config;
        Assert.That(config.Rope, Is.EqualTo(new RopeConfig(500_000, RopeScaling.Llama3, 8, 1, 4, 64)));
        Assert.That((config.HeadSize, config.TiedHead), Is.EqualTo((16, false)));
    }

    [TestCase("\"rope_theta\": 5000, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.5}")]
    [TestCase("\"rope_theta\": 5000, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2.5}")]
    [TestCase("\"rope_theta\": 5000, \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2.5}")]
    [TestCase("\"rope_parameters\": {\"rope_theta\": 5000.0, \"rope_type\": \"linear\", \"factor\": 2.5}")]
    public void Reader_ReadsEverySpellingOfLinearScaling(string members) =>
        Assert.That(((DecoderConfig)Parse("{\"model_type\": \"llama\", " + members + "}").Config).Rope,
            Is.EqualTo(new RopeConfig(5000, RopeScaling.Linear, 2.5)));

    [Test]
    public void Reader_LetsLayerTypesOverrideThePattern()
    {
        var config = (DecoderConfig)Golden("gemma3-layer-types").Config;
        Assert.That(config.LocalLayers, Is.EqualTo(new[] { false, true, false }));
        Assert.That(config.Rope, Is.EqualTo(new RopeConfig(20_000, RopeScaling.Linear, 4)));
        Assert.That(config.LocalRope, Is.EqualTo(new RopeConfig(500)));
    }

    [Test]
    public void Reader_CountsWhatItIgnores_AndNeverHonoursRemoteCode()
    {
        ModelConfigFile file = Parse(
            "{\"model_type\": \"llama\", \"auto_map\": {\"AutoModel\": \"evil.Model\"}, "
            + "\"some_tool_version\": \"2024.8\", \"temperature\": 0.6, \"attention_dropout\": 0.0, "
            + "\"pretraining_tp\": 2, \"quantization_config\": null}");
        Assert.That(file.IgnoredKeys, Is.EquivalentTo(new[] { "auto_map", "some_tool_version", "temperature" }));
    }

    [TestCase("null", null)]
    [TestCase("-1", null)]
    [TestCase("3", 3)]
    public void Reader_ReadsAnAbsentPadToken(string text, int? expected) =>
        Assert.That(Parse("{\"model_type\": \"llama\", \"pad_token_id\": " + text + "}").Config.PadToken,
            Is.EqualTo(expected));

    [TestCaseSource(nameof(GoldenCases))]
    public void Writer_WritesWhatTheReaderReads(string name)
    {
        var config = (DecoderConfig)Golden(name).Config;
        byte[] bytes = ModelConfigWriter.Write(config, DType.BF16);
        ModelConfigFile back = ModelConfigReader.Parse(bytes, "written");
        Assert.Multiple(() =>
        {
            Assert.That(back.Config.IsSameAs(config), Is.True);
            Assert.That(back.IgnoredKeys, Is.Empty);
            Assert.That(ModelConfigWriter.Write(config, DType.BF16), Is.EqualTo(bytes));
        });
    }

    [Test]
    public void Writer_RefusesWhatTheFileCannotExpress()
    {
        var odd = (DecoderConfig)Golden("llama-tied").Config with { AttentionScale = 0.4f };
        Assert.That(() => ModelConfigWriter.Write(odd, DType.F32), Throws.ArgumentException);
        Assert.That(
            System.Text.Encoding.UTF8.GetString(ModelConfigWriter.Write(Golden("llama-tied").Config, DType.F16)),
            Does.Contain("\"float16\""));
        Assert.That(() => ModelConfigWriter.Write(Golden("llama-tied").Config, DType.F64), Throws.ArgumentException);
    }
}
