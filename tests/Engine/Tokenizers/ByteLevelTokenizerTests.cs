using System.Text;
using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class ByteLevelTokenizerTests
{
    [Test]
    public void Gpt2_GivesThePublishedIds()
    {
        Tokenizer gpt2 = Tokenizer.Load(TestData.Path("tokenizers/gpt2"));
        Assert.That(gpt2.VocabularySize, Is.EqualTo(50257));
        Assert.That(gpt2.Eos, Is.EqualTo(50256));
        Assert.That(gpt2.Ids("Hello world"), Is.EqualTo(new[] { 15496, 995 }));
        Assert.That(gpt2.Ids("hello world"), Is.EqualTo(new[] { 31373, 995 }));
        RoundTrips(gpt2);
    }

    [Test]
    public void O200k_GivesThePublishedIds()
    {
        Tokenizer o200k = Tokenizer.Load(TestData.Path("tokenizers/o200k_base/o200k_base.tiktoken"));
        Assert.That(o200k.VocabularySize, Is.EqualTo(200019));
        Assert.That(o200k.Ids("hello world"), Is.EqualTo(new[] { 24912, 2375 }));
        RoundTrips(o200k);
    }

    private static void RoundTrips(Tokenizer tokenizer)
    {
        foreach (string text in Texts.Mixed)
            Assert.That(tokenizer.Text(tokenizer.Ids(text)), Is.EqualTo(text));
        var random = new Random(3);
        var bytes = new byte[5000];
        random.NextBytes(bytes);
        Assert.That(tokenizer.Bytes(tokenizer.Ids(bytes)), Is.EqualTo(bytes));
    }
}
