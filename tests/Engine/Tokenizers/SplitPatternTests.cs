using System.Text;
using System.Text.RegularExpressions;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class SplitPatternTests
{
    // Characters that the patterns tell apart; the platform's Regex reads UTF-16, so no more than 16 bits each.
    private const string Alphabet = "aAbLlSsTtDdMmRrVvEe''' \t\r\n\u00a0\u200312٣½/!-_中ญǅʰ\u0301\u093fé\u2028\u0600";

    [TestCaseSource(typeof(SplitPattern), nameof(SplitPattern.All))]
    public void SplitPattern_CutsAsTheRegularExpression(object value)
    {
        var pattern = (SplitPattern)value;
        var regex = new Regex(pattern.Text, RegexOptions.CultureInvariant);
        var random = new Random(1);
        for (int round = 0; round < 20000; round++)
        {
            var text = new char[random.Next(1, 12)];
            for (int k = 0; k < text.Length; k++)
                text[k] = Alphabet[random.Next(Alphabet.Length)];
            string s = new(text);
            Assert.That(Cut(pattern, s), Is.EqualTo(regex.Matches(s).Select(m => m.Value)), s);
        }
    }

    [Test]
    public void SplitPattern_KeepsBytesThatAreNotUtf8()
    {
        foreach (SplitPattern pattern in SplitPattern.All)
        {
            var random = new Random(2);
            for (int round = 0; round < 2000; round++)
            {
                var bytes = new byte[random.Next(1, 20)];
                random.NextBytes(bytes);
                int at = 0;
                while (at < bytes.Length)
                {
                    int end = pattern.End(bytes, at);
                    Assert.That(end, Is.GreaterThan(at).And.LessThanOrEqualTo(bytes.Length));
                    at = end;
                }
            }
        }
    }

    [Test]
    public void SplitPattern_OfO200k_GivesBackCapitalsToTheNextWord()
    {
        Assert.That(Cut(SplitPattern.O200k, "中Abc HTMLParser中A\u0301B"),
            Is.EqualTo(new[] { "中Abc", " HTMLParser中", "A\u0301", "B" }));
        Assert.That(Cut(SplitPattern.O200k, "they'LL can'ſ"), Is.EqualTo(new[] { "they'LL", " can'ſ" }));
    }

    [Test]
    public void SplitPattern_RecognisesItsExactTextOnly()
    {
        foreach (SplitPattern pattern in SplitPattern.All)
            Assert.That(SplitPattern.Recognise(pattern.Text), Is.SameAs(pattern));
        Assert.That(SplitPattern.Recognise(SplitPattern.Gpt2.Text + " "), Is.Null);
    }

    private static List<string> Cut(SplitPattern pattern, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        var parts = new List<string>();
        for (int at = 0; at < utf8.Length;)
        {
            int end = pattern.End(utf8, at);
            parts.Add(Encoding.UTF8.GetString(utf8, at, end - at));
            at = end;
        }
        return parts;
    }
}
