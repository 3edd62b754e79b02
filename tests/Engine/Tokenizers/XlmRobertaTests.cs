using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class XlmRobertaTests
{
    private const string Model = "tokenizers/xlm-roberta/sentencepiece.bpe.model";

    // fairseq, examples/xlmr/README.md, and three more published encodings; without <s> and </s>. The model's scores
    // are rebuilt (6 digits); these vectors hold with them.
    [TestCase("Hello world!", new[] { 35378, 8999, 38 })]
    [TestCase("你好，世界", new[] { 6, 124084, 4, 3221 })]
    [TestCase("नमस्ते दुनिया", new[] { 68700, 97883, 29405 })]
    [TestCase("مرحبا بالعالم", new[] { 665, 193478, 258, 1705, 77796 })]
    [TestCase("Bonjour le monde", new[] { 84602, 95, 11146 })]
    [TestCase("Hello World!", new[] { 35378, 6661, 38 })]
    [TestCase("The dog is cute and lives in the garden house",
        new[] { 581, 10269, 83, 99942, 136, 60742, 23, 70, 80583, 18276 })]
    [TestCase("The quick brown fox jumps over the lazy dog.",
        new[] { 581, 63773, 119455, 6, 147797, 88203, 7, 645, 70, 21, 3285, 10269, 5 })]
    public void XlmRoberta_GivesThePublishedIds(string text, int[] ids)
    {
        Tokenizer tokenizer = Tokenizer.LoadXlmRoberta(TestData.Path(Model));
        Assert.That(tokenizer.Ids(text), Is.EqualTo(ids));
        Assert.That(tokenizer.Text(ids), Is.EqualTo(text.Replace('，', ',')));
    }

    [Test]
    public void XlmRoberta_NumbersSpecialTokensInItsOwnWay()
    {
        Tokenizer tokenizer = Tokenizer.LoadXlmRoberta(TestData.Path(Model));
        Assert.That(tokenizer.VocabularySize, Is.EqualTo(250002));
        Assert.That((tokenizer.Bos, tokenizer.Pad, tokenizer.Eos, tokenizer.Unknown),
            Is.EqualTo(((int?)0, (int?)1, (int?)2, (int?)3)));
        Assert.That(tokenizer.Find("<mask>"), Is.EqualTo(250001));
        Assert.That(tokenizer.Find(","), Is.EqualTo(4));
        Assert.That(tokenizer.Text(0, 35378, 250001, 2, 1), Is.EqualTo("Hello"));
        Assert.That(tokenizer.Ids("\U0001D173x\U00010FFF"), Has.Member(3));
    }

    [Test]
    public void SentencePieceModel_WithoutAWordAboutXlmRoberta_KeepsTheIdsOfTheFile()
    {
        Tokenizer tokenizer = Tokenizer.Load(TestData.Path(Model));
        Assert.That(tokenizer.VocabularySize, Is.EqualTo(250000));
        Assert.That(tokenizer.Ids("Hello world!"), Is.EqualTo(new[] { 35377, 8998, 37 }));
    }
}
