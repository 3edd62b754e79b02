using System.Text;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

public sealed class CorpusTokenizerTests
{
    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Fact26_EveryDocument_BeginsEndsAndIsCutNotSplit()
    {
        int[] lengths = [1, 2045, 2046, 2047, 5000];
        using TokenShard shard = _folder.Shard(lengths.Select(length => new string('a', length)));
        Assert.That(shard.Training.Select(d => d.Count), Is.EqualTo((int[])[3, 2047, 2048, 2048, 2048]));
        foreach (DocumentTokens document in shard.Training)
        {
            int[] tokens = shard.Tokens(document);
            Assert.That((tokens[0], tokens[^1]), Is.EqualTo((ByteTokenizer.Begin, ByteTokenizer.End)));
            Assert.That(tokens[1..^1], Has.All.EqualTo('a' + ByteTokenizer.FirstByte));
        }
    }

    [Test]
    public void Documents_WithoutEnds_AreCutToTheSameLength()
    {
        using TokenShard shard = _folder.Shard(
            ["abcdefgh", "abc"], tokenizer: new ByteTokenizer(hasEnds: false), maxDocumentTokens: 5);
        Assert.That(Texts(shard, shard.Training), Is.EqualTo((string[])["abcde", "abc"]));
        // The first token of a text is predicted by nothing, so its byte does not count.
        Assert.That(shard.Training.Select(d => d.PredictedBytes), Is.EqualTo((int[])[4, 2]));
    }

    [Test]
    public void PredictedBytes_AreThoseOfTheKeptText()
    {
        using TokenShard shard = _folder.Shard(["äöü", "abcdefgh"], maxDocumentTokens: 7);
        Assert.That(shard.Training.Select(d => d.Count), Is.EqualTo((int[])[7, 7]));
        Assert.That(shard.Training.Select(d => d.PredictedBytes), Is.EqualTo((int[])[5, 5]));
    }

    [Test]
    public void Shard_HasTheSameBytesAtAnyNumberOfThreads()
    {
        string path = _folder.WriteNumbered("a.jsonl", 5000);
        var language = new LanguageText("xx", [path]);
        byte[][] shards = [.. new[] { 1, 2, 8 }.Select(threads =>
        {
            string output = _folder.At($"{threads}.tokens");
            new CorpusTokenizer(language, new ByteTokenizer(), 64, threadCount: threads).Write(output);
            return File.ReadAllBytes(output);
        })];
        Assert.That(shards[1], Is.EqualTo(shards[0]));
        Assert.That(shards[2], Is.EqualTo(shards[0]));
    }

    [Test]
    public void Encoding_IsSharedByThreads()
    {
        // Two documents that wait for one another: with one worker the second never comes.
        using var meeting = new Barrier(2);
        var tokenizer = new ByteTokenizer
        {
            Encoding = () =>
            {
                if (!meeting.SignalAndWait(TimeSpan.FromSeconds(30)))
                    throw new TimeoutException("Only one thread encodes.");
            },
        };
        string path = _folder.WriteNumbered("a.jsonl", 2);
        var language = new LanguageText("xx", [path]);
        new CorpusTokenizer(language, tokenizer, 64, threadCount: 2).Write(_folder.At("xx.tokens"));
        Assert.That(File.Exists(_folder.At("xx.tokens")), Is.True);
    }

    [Test]
    public void Files_AreReadInOrder_PlainAndPacked()
    {
        string[] files =
        [
            _folder.Write("b.jsonl", """{"text":"one"}"""), _folder.Write("a.txt.gz", TextFiles.Gzip("two\n\nthree")),
            _folder.Write("c.jsonl.gz", TextFiles.Gzip("""{"text":"four"}""")),
        ];
        using TokenShard shard = _folder.Shard(new LanguageText("xx", files) { ValidationShare = 0 });
        Assert.That(Texts(shard, shard.Training), Is.EqualTo((string[])["one", "two", "three", "four"]));
    }

    [Test]
    public void TextField_NamesTheText()
    {
        string path = _folder.Write("a.jsonl", """{"text":1,"content":"here"}""");
        var language = new LanguageText("xx", [path]) { ValidationShare = 0, TextField = "content" };
        using TokenShard shard = _folder.Shard(language);
        Assert.That(Texts(shard, shard.Training), Is.EqualTo((string[])["here"]));
        var error = Assert.Throws<RunException>(() => _folder.Shard(language with { TextField = "body" }));
        Assert.That(error.Message, Does.Contain("\"body\""));
    }

    [Test]
    public void Fact29_TrainingAndValidation_AreDisjoint()
    {
        string path = _folder.WriteNumbered("a.jsonl", 400);
        using TokenShard shard = _folder.Shard(new LanguageText("xx", [path]));
        string[] training = Texts(shard, shard.Training), validation = Texts(shard, shard.Validation);
        Assert.That((training.Length, validation.Length), Is.EqualTo((380, 20)));
        Assert.That(training.Intersect(validation), Is.Empty);
        Assert.That(training.Union(validation).Count(), Is.EqualTo(400));
    }

    [Test]
    public void ParallelDocuments_AreOnTheSameSideInAllLanguages()
    {
        string Lines(string word) => string.Concat(Enumerable.Range(0, 300).Select(i =>
            $$"""{"id":"GEN {{i}}","text":"{{word}} {{i}}"}""" + "\n"));
        LanguageText Language(string word) => new(word, [_folder.Write($"{word}.jsonl", Lines(word))]);
        using TokenShard one = _folder.Shard(Language("one"));
        using TokenShard two = _folder.Shard(Language("deux") with { Budget = new Budget(1000, BudgetUnit.Bytes) });
        using TokenShard heldOut = _folder.Shard(Language("tri") with { HeldOut = true });
        string[] Numbers(TokenShard shard, IReadOnlyList<DocumentTokens> side) =>
            [.. Texts(shard, side).Select(text => text.Split(' ')[1])];
        Assert.That(Numbers(two, two.Training), Is.SubsetOf(Numbers(one, one.Training)));
        Assert.That(Numbers(two, two.Validation), Is.SubsetOf(Numbers(one, one.Validation)));
        Assert.That(Numbers(heldOut, heldOut.Validation), Is.EqualTo(Numbers(one, one.Validation)));
        Assert.That(heldOut.Training, Is.Empty);
    }

    [Test]
    public void HeldOutLanguage_WithoutValidationIds_IsRefused()
    {
        var validation = CorpusFaultTests.ValidationIds(42, 20).ToHashSet();
        string training = string.Concat(Enumerable.Range(0, 20).Select(i => $"doc {i}")
            .Where(id => !validation.Contains(id)).Select(id => $$"""{"id":"{{id}}","text":"a"}""" + "\n"));
        string path = _folder.Write("a.jsonl", training);
        var error = Assert.Throws<RunException>(() => _folder.Shard(new LanguageText("xx", [path], HeldOut: true)));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.Contain("held out").And.Contain("seed 42"));
    }

    [TestCase(BudgetUnit.Bytes)]
    [TestCase(BudgetUnit.Tokens)]
    public void Budget_IsFilledToTheDocument_AndGrowsByAdding(BudgetUnit unit)
    {
        string path = _folder.WriteNumbered("a.jsonl", 1000);
        long Size(DocumentTokens document) => unit == BudgetUnit.Tokens ? document.Count : document.PredictedBytes;
        HashSet<string> before = [];
        foreach (long amount in new[] { 500L, 5_000, 10_000 })
        {
            using TokenShard shard = _folder.Shard(new LanguageText("xx", [path], Budget: new Budget(amount, unit)));
            DocumentTokens[] documents = [.. shard.Training, .. shard.Validation];
            string[] texts = Texts(shard, documents);
            Assert.That(documents.Sum(Size), Is.InRange(amount - 60, amount));      // no document is longer than 60
            Assert.That(before, Is.SubsetOf(texts));
            before = [.. texts];
        }
    }

    [Test]
    public void Budget_BeyondTheText_TakesAllOfIt([Values] BudgetUnit unit)
    {
        string path = _folder.WriteNumbered("a.jsonl", 100);
        using TokenShard all = _folder.Shard(new LanguageText("aa", [path]));
        using TokenShard shard = _folder.Shard(new LanguageText("bb", [path], Budget: new Budget(1 << 30, unit)));
        Assert.That(shard.Training, Is.EqualTo(all.Training));
        Assert.That(shard.Validation, Is.EqualTo(all.Validation));
    }

    [Test]
    public void Budget_OfTokens_TokenizesWhatIsNeeded()
    {
        string path = _folder.WriteNumbered("a.jsonl", 4000);
        int encoded = 0;
        var tokenizer = new ByteTokenizer { Encoding = () => Interlocked.Increment(ref encoded) };
        var language = new LanguageText("xx", [path], Budget: new Budget(500, BudgetUnit.Tokens));
        new CorpusTokenizer(language, tokenizer, 64).Write(_folder.At("xx.tokens"));
        // The budget is some 17 documents; bytes over 16 are surely not more than tokens: 32 times as many at most.
        Assert.That(encoded, Is.LessThan(1000));
    }

    [Test]
    public void Budget_SmallerThanADocument_IsRefused()
    {
        string path = _folder.WriteNumbered("a.jsonl", 100);
        var error = Assert.Throws<RunException>(() =>
            _folder.Shard(new LanguageText("xx", [path], Budget: new Budget(3, BudgetUnit.Tokens))));
        Assert.That(error.Message, Does.Contain("'xx'").And.Contain("budget is smaller"));
    }

    [Test]
    public void Stop_LeavesNothingBehind()
    {
        string path = _folder.WriteNumbered("a.jsonl", 100);
        using var stop = new StopSignal(null, _ => { });
        stop.RequestStop("SIGTERM");
        var tokenizer = new CorpusTokenizer(new LanguageText("xx", [path]), new ByteTokenizer(), 64, stop);
        var error = Assert.Throws<RunException>(() => tokenizer.Write(_folder.At("xx.tokens")));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Terminated));
        Assert.That(Directory.GetFiles(_folder.Path), Is.EqualTo((string[])[path]));
    }

    [Test]
    public void TrainingText_IsEqualBytesPerLanguage_WithoutValidation()
    {
        string[] latin = [.. Enumerable.Range(0, 200).Select(i => $"latin {i}")];
        string[] greek = [.. Enumerable.Range(0, 200).Select(i => $"ελληνικά {i}")];
        foreach ((string code, string[] texts) in new[] { ("aa", latin), ("bb", greek) })
        {
            string path = _folder.Write($"{code}.txt", string.Join("\n\n", texts));
            var language = new LanguageText(code, [path]);
            using TokenShard shard = _folder.Shard(language);
            string[] validation = Texts(shard, shard.Validation);
            Assert.That(
                CorpusText.TrainingBytes(language),
                Is.EqualTo(texts.Except(validation).Sum(Encoding.UTF8.GetByteCount)));
            string[] taken =
                [.. CorpusText.Training(language, 999).Select(text => Encoding.UTF8.GetString(text.Span))];
            Assert.That(taken.Sum(Encoding.UTF8.GetByteCount), Is.InRange(999 - 3, 999));
            Assert.That(taken.Intersect(validation), Is.Empty);
            Assert.That(taken.Count(texts.Contains), Is.GreaterThanOrEqualTo(taken.Length - 1));
            Assert.That(string.Concat(taken), Does.Not.Contain("\uFFFD"));
        }
    }

    private static string[] Texts(TokenShard shard, IReadOnlyList<DocumentTokens> documents) =>
        [.. documents.Select(document => Encoding.UTF8.GetString([.. shard.Tokens(document)
            .Where(id => id >= ByteTokenizer.FirstByte).Select(id => (byte)(id - ByteTokenizer.FirstByte))]))];
}
