using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class XlmRobertaPipelineTests
{
    private const string Model = "tokenizers/xlm-roberta/sentencepiece.bpe.model";

    /// <summary>Where the rules differ: a mark after a character that has a replacement of its own is lost.</summary>
    [Test]
    public void Pipeline_IsTheRuleOfTheFastTokenizer()
    {
        Tokenizer pipeline = Tokenizer.LoadXlmRobertaPipeline(TestData.Path(Model));
        Tokenizer plain = Tokenizer.LoadXlmRoberta(TestData.Path(Model));
        Assert.That(pipeline.Ids("①\u0301"), Is.Not.EqualTo(plain.Ids("①\u0301")));
        foreach (string text in (string[])["Hello World!", "你好，世界", "नमस्ते दुनिया", "a\u200bb", "x\u200cy \ufeff"])
            Assert.That(pipeline.Ids(text), Is.EqualTo(plain.Ids(text)), text);
        Assert.That(pipeline.Sha256, Is.Not.EqualTo(plain.Sha256));
        Assert.That((pipeline.Bos, pipeline.Pad, pipeline.Eos, pipeline.Unknown), Is.EqualTo(
            ((int?)0, (int?)1, (int?)2, (int?)3)));
        Assert.That(pipeline.Ids("a <mask> b"), Is.EqualTo((int[])[.. plain.Ids("a"), 250001, .. plain.Ids("b")]));
    }

    [Test]
    public void OtherModels_AreRefused() => Assert.That(
        () => Tokenizer.LoadXlmRobertaPipeline(
            Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "tokenizers", "bpe.model")),
        Throws.InstanceOf<RunException>().With.Message.Contains("XLM-R's model"));
}
