using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data.Massive;

public sealed class SentenceEncoderTests
{
    private const string XlmRoberta = "tokenizers/xlm-roberta/sentencepiece.bpe.model";

    [TestCase("Hello World!", "0 35378 6661 38 2")]
    [TestCase("The dog is cute and lives in the garden house",
        "0 581 10269 83 99942 136 60742 23 70 80583 18276 2")]
    [TestCase("The quick brown fox jumps over the lazy dog.",
        "0 581 63773 119455 6 147797 88203 7 645 70 21 3285 10269 5 2")]
    public void Fact10_Words_GiveThePublishedIds(string text, string ids)
    {
        foreach (Tokenizer tokenizer in XlmRobertas())
        {
            SentenceSet set = Sentences.Encode(tokenizer, "en-US", [text]);
            Assert.That(string.Join(' ', set.Tokens(0).ToArray()), Is.EqualTo(ids));
            Assert.That(tokenizer.Find("<mask>"), Is.EqualTo(250001));
            Assert.That(tokenizer.VocabularySize, Is.EqualTo(250002));
        }
    }

    /// <summary>Graphemes or longest keys: in words of MASSIVE it does not matter.</summary>
    [Test]
    [Category("slow")]
    public void BothReadingsOfXlmRoberta_AgreeOnTestSentences()
    {
        Tokenizer[] tokenizers = [.. XlmRobertas()];
        foreach (string locale in (string[])["en-US", "km-KH", "th-TH", "fa-IR"])
        {
            SentenceSet[] sets = [.. tokenizers.Select(tokenizer => Real(tokenizer, locale, Partition.Test))];
            Assert.That(sets[0].AllTokens.SequenceEqual(sets[1].AllTokens), Is.True, locale);
        }
    }

    [Test]
    public void Fact09_AWordHasOneLabel_OnItsFirstPiece()
    {
        SentenceSet set = Sentences.Encode(new ByteTokenizer(), "en-US", ["at [time : 5 am]"]);
        const int No = Backend.IgnoredTarget;
        int b = LabelMap.Bio.Label(SlotTypes.Find("time")!.Value, isFirst: true);
        // <s> a t ␠ 5 ␠ a m </s>: the space goes before the word, as in running text.
        Assert.That(set.Tokens(0).ToArray(), Is.EqualTo(
            new[] { 1, 'a' + 3, 't' + 3, ' ' + 3, '5' + 3, ' ' + 3, 'a' + 3, 'm' + 3, 2 }));
        Assert.That(set.Targets(0).ToArray(), Is.EqualTo(new[] { No, 0, No, b, No, b + 1, No, No, No }));
        Assert.That(set.WordTokens(0).ToArray(), Is.EqualTo(new[] { 1, 3, 5 }));
    }

    [Test]
    [Category("slow")]
    public void Fact09_RealSentences_HaveAtMostOneLabelAWord([Values("en-US", "zh-CN", "km-KH", "fa-IR")] string locale)
    {
        SentenceSet set = Real(XlmRobertas().First(), locale, Partition.Test);
        Assert.That(set.Count, Is.EqualTo(2974));
        for (int i = 0; i < set.Count; i++)
        {
            ReadOnlySpan<int> targets = set.Targets(i), tokens = set.Tokens(i), places = set.WordTokens(i);
            Assert.That((targets[0], targets[^1], tokens[0], tokens[^1]), Is.EqualTo((-1, -1, 0, 2)));
            int labelled = 0;
            for (int word = 0; word < places.Length; word++)
                if (places[word] >= 0 && ++labelled > 0)
                    Assert.That(targets[places[word]], Is.EqualTo(set.Labels(i)[word]));
            Assert.That(targets.Length - targets.Count(Backend.IgnoredTarget), Is.EqualTo(labelled));
            Assert.That(places.Length - places.Count(-1), Is.EqualTo(labelled));
        }
    }

    /// <summary>U+200B alone normalises to a space and so to nothing.</summary>
    [Test]
    public void WordsWithoutPieces_AreCountedAndPredictedOutside()
    {
        SentenceSet set = Sentences.Encode(XlmRobertas().First(), "en-US", ["at [time : \u200b five]"]);
        Assert.That((set.WordCount, set.WordsWithoutPieces, set.CutWords), Is.EqualTo((3, 1, 0)));
        var words = new int[3];
        set.PredictedLabels(0, [9, 1, 2, 9], words);
        Assert.That(words, Is.EqualTo(new[] { 1, 0, 2 }));
        Assert.That(set.Labels(0)[1], Is.Not.Zero);
    }

    [Test]
    public void LongSentences_LoseTheirLastPieces_AndTheWordsAreCounted()
    {
        string[] text = ["ab cd [time : ef gh]"];
        SentenceSet set = Sentences.Encode(new ByteTokenizer(), "en-US", text, maxTokens: 8);
        // <s> a b ␠ c d ␠ </s>: of "ef" the space is left and carries its label, "gh" is gone.
        Assert.That(set.Tokens(0).Length, Is.EqualTo(8));
        Assert.That(set.Tokens(0)[^1], Is.EqualTo(ByteTokenizer.End));
        Assert.That(set.WordTokens(0).ToArray(), Is.EqualTo(new[] { 1, 3, 6, -1 }));
        Assert.That((set.CutWords, set.WordsWithoutPieces), Is.EqualTo((1, 0)));
        set = Sentences.Encode(new ByteTokenizer(hasEnds: false), "en-US", text, maxTokens: 5);
        Assert.That(set.WordTokens(0).ToArray(), Is.EqualTo(new[] { 0, 2, -1, -1 }));
        Assert.That((set.Tokens(0).Length, set.CutWords), Is.EqualTo((5, 2)));
    }

    /// <summary>Where characters are the words there are no spaces between them.</summary>
    [Test]
    public void CharacterLocales_GetNoSpaces() => Assert.That(
        Sentences.Encode(new ByteTokenizer(), "zh-CN", ["打开 ok"]).TokenCount, Is.EqualTo(2 + 3 + 3 + 2));

    [Test]
    public void Encoding_IsTheSameAtAnyThreadCount()
    {
        string[] text = [.. Enumerable.Range(0, 200).Select(i => $"say {i * 7919} at [time : {i}]")];
        SentenceSet one = Sentences.Encode(new ByteTokenizer(), "en-US", text, threads: 1);
        SentenceSet many = Sentences.Encode(new ByteTokenizer(), "en-US", text, threads: 7);
        Assert.That(many.AllTokens.SequenceEqual(one.AllTokens), Is.True);
    }

    [Test]
    public void Encoding_NamesTheRowThatIsWrong() => Assert.That(
        () => Sentences.Encode(new ByteTokenizer(), "en-US", ["a", "[time : b]c"]),
        Throws.InstanceOf<RunException>().With.Message.Contains("en-US: row '1'"));

    private static IEnumerable<Tokenizer> XlmRobertas()
    {
        string path = TestData.Path(XlmRoberta);
        yield return Tokenizer.LoadXlmRobertaPipeline(path);
        yield return Tokenizer.LoadXlmRoberta(path);
    }

    private static SentenceSet Real(Tokenizer tokenizer, string locale, Partition partition)
    {
        var of = MassiveLocale.Of(locale);
        return new SentenceEncoder(tokenizer).Encode(
            of, partition, MassiveFile.Read(TestData.Path($"massive/{locale}.jsonl.gz"), of),
            new SlotConversion(of, LabelMode.Bio));
    }
}
