using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Tokenizers;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data.Massive;

/// <summary>What the specification says of the whole release; needs its 52 files.</summary>
[Category("slow")]
public sealed partial class MassiveFactTests
{
    // Asked for before a parallel loop: a test skipped inside one would count as failed.
    private static readonly Lazy<ConcurrentDictionary<string, IReadOnlyList<MassiveRow>>> Rows = new(ReadAll);

    [Test]
    public void Fact01_AllLocales_AreWholeAndParallel()
    {
        Assert.That(Rows.Value, Has.Count.EqualTo(52));
        Assert.That(Rows.Value.Values.Sum(rows => rows.Count), Is.EqualTo(859_092));
        (string, Partition, string)[] first = [.. Rows.Value["en-US"].Select(Key)];
        foreach (var (locale, rows) in Rows.Value)
        {
            Assert.That(Counts(rows, _ => 1), Is.EqualTo("11514 2033 2974"), locale);
            Assert.That(rows.Select(Key).SequenceEqual(first), Is.True, locale);
        }

        static (string, Partition, string) Key(MassiveRow row) => (row.Id, row.Partition, row.Intent);
    }

    [Test]
    public void Fact02_TheCorpus_Has55TypesAnd60Intents()
    {
        IEnumerable<MassiveRow> rows = Rows.Value.Values.SelectMany(of => of);
        Assert.That(rows.Select(row => row.Intent).Distinct().Count(), Is.EqualTo(60));
        Assert.That(
            rows.SelectMany(row => row.Parts).Select(part => part.Type).Distinct().Order(),
            Is.EqualTo(Enumerable.Range(AnnotationPart.Outside, 56)));
    }

    [TestCase("en-US", "11344 2012 2815", "3755 646 994")]
    [TestCase("fr-FR", "11100 1958 2744", null)]
    public void Fact03_Slots_AreAsManyAsPublished(string locale, string slots, string? rowsWithout)
    {
        IReadOnlyList<MassiveRow> rows = Rows.Value[locale];
        Assert.That(Counts(rows, row => row.Parts.Count(part => part.Type >= 0)), Is.EqualTo(slots));
        if (rowsWithout is not null)
            Assert.That(Counts(rows, row => row.Parts.All(part => part.Type < 0) ? 1 : 0), Is.EqualTo(rowsWithout));
    }

    /// <summary>By another way than the reader's own: marks are taken off with a pattern.</summary>
    [Test]
    public void Fact04_WithoutMarks_TheAnnotationIsTheText()
    {
        int count = 0;
        var rows = Rows.Value;
        Parallel.ForEach(MassiveLocale.All, locale =>
        {
            using var file = File.OpenRead(TestData.Path($"massive/{locale.Code}.jsonl.gz"));
            using var reader = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
            for (int row = 0; reader.ReadLine() is { } line; row++)
            {
                using var json = JsonDocument.Parse(line);
                string stripped = Mark().Replace(json.RootElement.GetProperty("annot_utt").GetString()!, "$1");
                string text = json.RootElement.GetProperty("utt").GetString()!;
                bool same = locale.SplitsCharacters
                    ? stripped.Replace(" ", "") == text.Replace(" ", "")
                    : stripped == text;
                if (!same || rows[locale.Code][row].Text != text)
                    Assert.Fail($"{locale.Code} row {row}: {stripped} and {text}");
                Interlocked.Increment(ref count);
            }
        });
        Assert.That(count, Is.EqualTo(859_092));
    }

    /// <summary>Every sentence of the release as pieces of XLM-R: none is lost, cut, or without a label.</summary>
    [Test]
    public void Sentences_OfAllLocales_AreEncodedWhole()
    {
        Tokenizer tokenizer = Tokenizer.Load(TestData.Path("tokenizers/xlm-roberta"));
        var encoder = new SentenceEncoder(tokenizer);
        foreach (MassiveLocale locale in MassiveLocale.All)
        {
            var conversion = new SlotConversion(locale, LabelMode.Bio);
            foreach (Partition partition in Enum.GetValues<Partition>())
            {
                MassiveRow[] rows = [.. Rows.Value[locale.Code].Where(row => row.Partition == partition)];
                SentenceSet set = encoder.Encode(locale, partition, rows, conversion);
                Assert.That(set.Count, Is.EqualTo(rows.Length), locale.Code);
                Assert.That(set.WordCount, Is.EqualTo(rows.Sum(row => conversion.Convert(row).Words.Count)));
                Assert.That(set.CutWords, Is.Zero, locale.Code);
                Assert.That(set.LongestSentence, Is.InRange(3, SentenceEncoder.DefaultMaxTokens));
                int targets = Enumerable.Range(0, set.Count).Sum(
                    i => set.Targets(i).Length - set.Targets(i).Count(Backend.IgnoredTarget));
                Assert.That(targets, Is.EqualTo(set.WordCount - set.WordsWithoutPieces), locale.Code);
                Assert.That(set.UnknownPieces, Is.LessThan(set.TokenCount / 100), locale.Code);
            }
        }
    }

    [Test]
    public void Conversions_OfAllRows_GiveWordsOfTheText([Values] LabelMode mode)
    {
        var rows = Rows.Value;
        Parallel.ForEach(MassiveLocale.All, locale =>
        {
            var conversion = new SlotConversion(locale, mode);
            foreach (MassiveRow row in rows[locale.Code])
            {
                LabelledWords words = conversion.Convert(row);
                string text = string.Concat(row.Text.Where(letter => !char.IsWhiteSpace(letter)));
                if (words.Labels.Count != words.Words.Count || words.Words.Contains("")
                    || string.Concat(words.Words) != text)
                    Assert.Fail($"{locale.Code} row {row.Id}: {string.Join('|', words.Words)}");
            }
        });
    }

    private static ConcurrentDictionary<string, IReadOnlyList<MassiveRow>> ReadAll()
    {
        var data = new SlotDataConfig { Files = Path.Combine(TestData.Path("massive"), "{locale}.jsonl") };
        var rows = new ConcurrentDictionary<string, IReadOnlyList<MassiveRow>>();
        Parallel.ForEach(MassiveLocale.All, locale =>
            rows[locale.Code] = MassiveFile.Read(data.FileOf(locale.Code), locale));
        return rows;
    }

    private static string Counts(IReadOnlyList<MassiveRow> rows, Func<MassiveRow, int> count) => string.Join(
        ' ', Enum.GetValues<Partition>().Select(p => rows.Where(row => row.Partition == p).Sum(count)));

    [GeneratedRegex(@"\[[a-z_]+ : ([^\]]*)\]")]
    private static partial Regex Mark();
}
