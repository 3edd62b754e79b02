using System.Text;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Tokenizers;

/// <summary>Small models that use what XLM-R's does not; ids and texts are libsentencepiece 0.1.97's.</summary>
public sealed class SentencePieceGoldenTests
{
    [TestCase("bpe")]
    [TestCase("bpe_unused")]
    [TestCase("unigram")]
    [TestCase("unigram_tail")]
    public void SentencePieceModel_GivesTheIdsAndTextsOfItsLibrary(string name)
    {
        Tokenizer tokenizer = Tokenizer.Load(GoldenFiles.Path(name + ".model"));
        var texts = GoldenFiles.Lines(GoldenFiles.Path("texts.txt"));
        var ids = GoldenFiles.Lines(GoldenFiles.Path(name + ".ids"));
        var decoded = GoldenFiles.Lines(GoldenFiles.Path(name + ".decoded"));
        Assert.That(ids, Has.Count.EqualTo(texts.Count));
        for (int k = 0; k < texts.Count; k++)
        {
            int[] found = tokenizer.Ids(texts[k]);
            Assert.That(string.Join(' ', found), Is.EqualTo(Encoding.UTF8.GetString(ids[k])), $"line {k + 1}");
            Assert.That(tokenizer.Bytes(found), Is.EqualTo(decoded[k]), $"line {k + 1}");
        }
    }

    [Test]
    public void SentencePieceModel_NamesItsSpecialTokens()
    {
        Tokenizer tokenizer = Tokenizer.Load(GoldenFiles.Path("unigram.model"));
        Assert.That((tokenizer.Unknown, tokenizer.Bos, tokenizer.Eos, tokenizer.Pad),
            Is.EqualTo(((int?)0, (int?)1, (int?)2, (int?)3)));
        Assert.That(tokenizer.VocabularySize, Is.EqualTo(500));
        Assert.That(tokenizer.Ids("a<mask>b"), Has.No.Member(tokenizer.Find("<mask>")));
        Assert.That(tokenizer.Ids("a<tag>b"), Has.Member(tokenizer.Find("<tag>")));
    }
}
