using System.Text;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Tokenizers;

/// <summary>Texts that make other tokenizers slow or lose characters.</summary>
/// <remarks>
/// Time is that of the process's threads, not of the clock, so that a busy machine fails nothing. Four times the text
/// may take nine times as long, where a quadratic algorithm takes sixteen; short measurements are not compared.
/// </remarks>
public sealed class PathologicalTextTests
{
    private static readonly (string Name, string Unit)[] Units =
    [
        ("letter", "a"),
        ("combining mark", "\u0301"),
        ("marks of two classes", "\u0301\u0316"),
        ("space", " "),
        ("new line", "\n"),
        ("replacement", "\ufffd"),
        ("right-to-left mark", "\u200f"),
        ("sinhala with joiner", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"),
        ("khmer with space", "\u1781\u17d2\u1798\u17c2\u200b"),
        ("emoji", "\U0001F468\u200D\U0001F469"),
        ("flag", "\U0001F1E9"),
        ("upper and caseless", "A\u4e2d"),
        ("apostrophe", "'"),
        ("digit", "7"),
        ("zero", "\0"),
        ("full width", "\uff21\u0301"),
        ("space symbol", "\u2581"),
        ("half a tag", "<tag"),
    ];

    private static readonly string[] Files = ["byte_level.json", "bpe.model", "unigram.model", "unigram_tail.model"];

    public static IEnumerable<string> Names() => Units.Select(unit => unit.Name);

    [TestCaseSource(nameof(Names)), Category("slow")]
    public void Fault_T3_TimeIsLinearInTheText(string name)
    {
        string unit = Units.Single(item => item.Name == name).Unit;
        int count = 250_000 / unit.Length;
        byte[] small = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(unit, count)));
        byte[] large = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(unit, 4 * count)));
        foreach (string file in Files)
        {
            Tokenizer tokenizer = Tokenizer.Load(GoldenFiles.Path(file));
            double shortTime = Seconds(() => tokenizer.Ids(small)), longTime = Seconds(() => tokenizer.Ids(large));
            Assert.That(longTime, Is.LessThan(Math.Max(0.5, 9 * shortTime)), file);
        }
    }

    [TestCaseSource(nameof(Names))]
    public void Fault_T3_ByteLevelTextComesBack(string name)
    {
        string text = string.Concat(Enumerable.Repeat(Units.Single(item => item.Name == name).Unit, 500)) + "end";
        Tokenizer tokenizer = Tokenizer.Load(GoldenFiles.Path("byte_level.json"));
        Assert.That(tokenizer.Text(tokenizer.Ids(text)), Is.EqualTo(text));
    }

    [Test]
    public void Fault_T3_HalvesOfSurrogatePairsAndOtherBytes()
    {
        byte[] bytes = [0xED, 0xA0, 0x80, 0x61, 0xED, 0xB0, 0x80, 0xFF, 0xC0, 0x80, 0xF4, 0x90, 0x80, 0x80, 0xE2, 0x82];
        Tokenizer byteLevel = Tokenizer.Load(GoldenFiles.Path("byte_level.json"));
        Assert.That(byteLevel.Bytes(byteLevel.Ids(bytes)), Is.EqualTo(bytes));
        // SentencePiece reads each such byte as U+FFFD.
        Tokenizer bpe = Tokenizer.Load(GoldenFiles.Path("bpe.model"));
        Assert.That(bpe.Text(bpe.Ids(bytes)), Is.EqualTo("\ufffd\ufffd\ufffda" + new string('\ufffd', 12)));
    }

    [Test]
    public void Fault_T3_ALongTextIsDividedAndCounted()
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("ab \u0431\u0432 ", 2_500_000)));
        Tokenizer tokenizer = Tokenizer.Load(GoldenFiles.Path("byte_level.json"));
        int[] ids = tokenizer.Ids(text);
        Assert.That(tokenizer.DividedTextCount, Is.EqualTo(1));
        Assert.That(tokenizer.Bytes(ids), Is.EqualTo(text));
        tokenizer.Ids(text[..1000]);
        Assert.That(tokenizer.DividedTextCount, Is.EqualTo(1));
    }

    [TestCase("'s't're've'm'll'd")]
    [TestCase("aA中")]
    [TestCase(" \n")]
    [TestCase("\u0301A")]
    [TestCase("!\u0301")]
    [TestCase("((((((((((a")]
    [TestCase(" \t \u00a0")]
    [TestCase("1a'")]
    public void Fault_T4_PatternsTakeTenMillisecondsPer100Kilobytes(string unit)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length)));
        foreach (SplitPattern pattern in SplitPattern.All)
        {
            double best = double.MaxValue;
            for (int round = 0; round < 5; round++)
                best = Math.Min(best, Seconds(() =>
                {
                    for (int at = 0; at < text.Length;)
                        at = pattern.End(text, at);
                }));
            Assert.That(best / (text.Length / 1e5), Is.LessThan(0.010), pattern.Text);
        }
    }

    /// <summary>Time of all threads of the process: what another process does is not in it.</summary>
    private static double Seconds(Action action)
    {
        double before = Environment.CpuUsage.TotalTime.TotalSeconds;
        action();
        return Environment.CpuUsage.TotalTime.TotalSeconds - before;
    }
}
