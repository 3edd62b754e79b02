using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

/// <summary>Hostile and broken text: rows D1 to D4 of the fault matrix in reliability.md, section 10.</summary>
public sealed class CorpusFaultTests
{
    private static readonly string GoodLine = """{"text":"good"}""";

    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    /// <summary>A bad JSON line and a part of what is said about it.</summary>
    private static IEnumerable<TestCaseData> BadJson()
    {
        yield return Line("{\"text\":\"trunc", "not valid JSON").SetArgDisplayNames("truncated");
        yield return Line("{\"text\":\"lone \\ud800 here\"}", "surrogate").SetArgDisplayNames("lone surrogate");
        yield return Line("{\"other\":\"\\udc00\",\"text\":\"a\"}", "surrogate").SetArgDisplayNames("in another key");
        yield return Line("{\"text\":\"a\",\"text\":\"b\"}", "twice").SetArgDisplayNames("duplicate key");
        yield return Line("{\"text\":\"a\",\"te\\u0078t\":\"b\"}", "twice").SetArgDisplayNames("escaped duplicate");
        yield return Line("[\"text\"]", "object").SetArgDisplayNames("array");
        yield return Line("\"text\"", "object").SetArgDisplayNames("string");
        yield return Line("null", "object").SetArgDisplayNames("null");
        yield return Line("{}{}", "not valid JSON").SetArgDisplayNames("two objects");
        yield return Line("{\"id\":\"a\"}", "no \"text\"").SetArgDisplayNames("missing text");
        yield return Line("{\"text\":7}", "expected a string").SetArgDisplayNames("text is a number");
        yield return Line("{\"text\":\" \\n \"}", "empty").SetArgDisplayNames("blank text");
        yield return Line("{\"text\":\"a\",\"id\":[1]}", "\"id\"").SetArgDisplayNames("id is an array");
        yield return Line("{\"text\":\"a\",\"x\":NaN}", "not valid JSON").SetArgDisplayNames("bare NaN");
        yield return Line("{\"text\":\"a\",\"x\":1e999}", "number").SetArgDisplayNames("infinite number");
        yield return Line("{\"text\":\"a\"}, ", "not valid JSON").SetArgDisplayNames("trailing comma");
        yield return Line("\uFEFF{\"text\":\"a\"}", "byte order mark").SetArgDisplayNames("mark inside the file");
        yield return Line(
            "{\"text\":\"a\",\"x\":" + new string('[', 100) + new string(']', 100) + "}", "depth")
            .SetArgDisplayNames("depth");
        yield return new TestCaseData(
            (byte[])[.. "{\"text\":\"a"u8, 0xFF, .. "\"}"u8], "UTF-8").SetArgDisplayNames("not UTF-8");
        yield return new TestCaseData(
            (byte[])[.. "{\"text\":\""u8, 0xED, 0xA0, 0x80, .. "\"}"u8], "UTF-8")
            .SetArgDisplayNames("encoded surrogate");
    }

    [TestCaseSource(nameof(BadJson))]
    public void Fault_D1_BadLine_IsRefusedWithFileAndLine(byte[] line, string says)
    {
        string path = _folder.Write("a.jsonl", [.. Encoding.UTF8.GetBytes(GoodLine + "\r\n\r\n"), .. line, (byte)'\n']);
        var error = Assert.Throws<RunException>(() => TextFiles.Documents(path));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.StartWith($"{path}:3: ").And.Contains(says));
    }

    [TestCaseSource(nameof(BadJson))]
    public void Fault_D1_BadLine_IsCountedOnRequest_AndTheRestIsAsWithoutIt(byte[] line, string says)
    {
        byte[] good = Encoding.UTF8.GetBytes(GoodLine + "\n");
        string path = _folder.Write("a.jsonl", [.. good, .. line, (byte)'\n', .. good, .. line]);
        var badLines = new BadLines(2);
        Assert.That(TextFiles.Documents(path, badLines), Is.EqualTo((string[])["good", "good"]));
        Assert.That(badLines.Count, Is.EqualTo(2));
        Assert.That(badLines.Examples[1], Does.StartWith($"{path}:4: ").And.Contains(says));
    }

    [Test]
    public void Fault_D1_OneBadLineMoreThanAllowed_IsRefused()
    {
        string path = _folder.Write("a.jsonl", $"{{\n{GoodLine}\n[\n]\n");
        var error = Assert.Throws<RunException>(() => TextFiles.Documents(path, new BadLines(2)));
        Assert.That(error.Message, Does.StartWith($"{path}:4: ").And.Contains("bad line 3").And.Contains("allows 2"));
    }

    [Test]
    public void Fault_D1_LenientReading_GivesTheShardOfTheCleanFile()
    {
        string[] good = [.. Enumerable.Range(0, 50).Select(i => $$"""{"text":"document {{i}}"}""")];
        string clean = _folder.Write("clean.jsonl", string.Join('\n', good));
        string dirty = _folder.Write("dirty.jsonl", "\uFEFF" + string.Join("\r\n{\"bad\":\n\r\n", good));
        string[] shards = [_folder.At("clean.tokens"), _folder.At("dirty.tokens")];
        new CorpusTokenizer(new LanguageText("xx", [clean]), new ByteTokenizer(), 64).Write(shards[0]);
        var lenient = new LanguageText("xx", [dirty], MaxBadLines: 49);
        CorpusSummary summary = new CorpusTokenizer(lenient, new ByteTokenizer(), 64).Write(shards[1]);
        Assert.That(summary.BadLines, Is.EqualTo(49));
        Assert.That(File.ReadAllBytes(shards[1]), Is.EqualTo(File.ReadAllBytes(shards[0])));
    }

    [Test]
    [Category("slow")]
    public void Fault_D1_LineOfAHundredMegabytes_IsRefusedInBoundedMemory()
    {
        string path = _folder.At("a.jsonl");
        using (var file = new StreamWriter(path))
        {
            file.Write(GoodLine + "\n{\"text\":\"");
            string megabyte = new('x', 1 << 20);
            for (int i = 0; i < 100; i++)
                file.Write(megabyte);
            file.Write("\"}\n" + GoodLine);
        }

        var badLines = new BadLines(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(TextFiles.Documents(path, badLines), Is.EqualTo((string[])["good", "good"]));
        // The buffer doubles up to 32 MiB: at most 64 MiB all sizes together.
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(65 << 20));
        Assert.That(badLines.Examples[0], Does.StartWith($"{path}:2: ").And.Contains("16 MiB"));
    }

    [Test]
    public void Fault_D1_Text_RefusesBytesThatAreNotUtf8()
    {
        string path = _folder.Write("a.txt", [.. "one\n"u8, 0xC0, 0x80, .. "\ntwo\n"u8]);
        var error = Assert.Throws<RunException>(() => TextFiles.Documents(path));
        Assert.That(error.Message, Does.StartWith($"{path}:2: ").And.Contains("UTF-8"));
        Assert.That(TextFiles.Documents(path, new BadLines(1)), Is.EqualTo((string[])["one\ntwo"]));
    }

    [TestCase("", 0)]
    [TestCase("\n\n \n", 0)]
    [TestCase("{\n[\n", 2)]
    public void Fault_D2_NoDocument_IsRefused(string content, int badLines)
    {
        string path = _folder.Write("a.jsonl", content);
        var error = Assert.Throws<RunException>(() =>
            _folder.Shard(new LanguageText("xx", [path], MaxBadLines: badLines)));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.Contain("'xx'").And.Contains("no document"));
        Assert.That(File.Exists(_folder.At("xx.tokens")), Is.False);
    }

    [Test]
    public void Fault_D2_OneTokenDocuments_AreRefusedAsTraining()
    {
        using TokenShard shard = _folder.Shard(["a", "b", "c"], tokenizer: new ByteTokenizer(hasEnds: false));
        foreach (PackingMode mode in Enum.GetValues<PackingMode>())
        {
            DocumentTokens[] one = [shard.Training[0]];
            PackedRows rows = PackedRows.Of(mode, shard, mode == PackingMode.Wrapped ? one : shard.Training, 8);
            var error = Assert.Throws<RunException>(() => Mixture.Concatenate([new MixturePart("xx", rows)], 1));
            Assert.That(error.Message, Does.Contain("'xx'").And.Contains("no token to predict"));
        }

        var validation = Assert.Throws<RunException>(() => new ValidationSource("xx", shard, shard.Training, 8, 8));
        Assert.That(validation.Message, Does.Contain("no token to predict"));
    }

    [Test]
    public void Fault_D2_LanguageWithoutTrainingDocuments_IsRefused()
    {
        string ids = string.Concat(ValidationIds(42, 3).Select(id => $$"""{"id":"{{id}}","text":"a"}""" + "\n"));
        string path = _folder.Write("a.jsonl", ids);
        var error = Assert.Throws<RunException>(() => _folder.Shard(new LanguageText("xx", [path])));
        Assert.That(error.Message, Does.Contain("validation side"));
    }

    [Test]
    public void Fault_D4_TextThatChangesBetweenTwoReadings_IsRefused()
    {
        // The second file is still to be read again when the first batch of documents is tokenised.
        string first = _folder.WriteNumbered("a.jsonl", 1100), second = _folder.WriteNumbered("b.jsonl", 20);
        int encoded = 0;
        var changing = new ByteTokenizer
        {
            Encoding = () =>
            {
                if (encoded++ == 0)
                    File.WriteAllText(second, GoodLine);
            },
        };
        var tokenizer = new CorpusTokenizer(new LanguageText("xx", [first, second]), changing, 64, threadCount: 1);
        var error = Assert.Throws<RunException>(() => tokenizer.Write(_folder.At("xx.tokens")));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.StartWith(second).And.Contains("changed between"));
        Assert.That(File.Exists(_folder.At("xx.tokens")), Is.False);
    }

    [Test]
    public void Fault_D4_TextThatChangesWhileItIsRead_IsRefused()
    {
        string path = _folder.WriteNumbered("a.jsonl", 20_000);
        using var reader = new DocumentReader(path, new BadLines(0));
        Assert.That(reader.Read(), Is.True);
        File.AppendAllText(path, GoodLine + "\n");
        var error = Assert.Throws<RunException>(() =>
        {
            while (reader.Read())
            {
            }
        });
        Assert.That(error.Message, Does.StartWith(path).And.Contains("changed while it was read"));
    }

    /// <summary>Ids that the split puts on the validation side.</summary>
    internal static IEnumerable<string> ValidationIds(ulong seed, int count) =>
        Enumerable.Range(0, int.MaxValue).Select(i => $"doc {i}")
            .Where(id => Split.Of([DocumentKey.Of(seed, id, [])], Split.DefaultShare, false)[0] == Side.Validation)
            .Take(count);

    private static TestCaseData Line(string line, string says) => new(Encoding.UTF8.GetBytes(line), says);
}
