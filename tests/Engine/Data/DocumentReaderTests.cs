using System.Text;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

public sealed class DocumentReaderTests
{
    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void JsonLines_GiveTextAndId_AndPassOtherKeysOver()
    {
        string path = _folder.Write("a.jsonl", """
            {"url":{"a":[1,{"text":"no"}]},"text":"line one\n\u0435 \ud83d\ude00","id":"GEN 1"}
            {"id":17,"text":"seventeen"}

            {"text":"no id","id":null}
            """);
        Assert.That(TextFiles.Documents(path), Is.EqualTo((string[])["GEN 1:line one\nе 😀", "17:seventeen", "no id"]));
    }

    [Test]
    public void Text_IsDividedAtBlankLines()
    {
        string path = _folder.Write("a.txt", "\uFEFFone\r\ntwo\r\n\r\n \t\r\n\nthree\n\nfour");
        Assert.That(TextFiles.Documents(path), Is.EqualTo((string[])["one\ntwo", "three", "four"]));
    }

    [Test]
    public void Controls_AndUnnormalizedText_AreKept()
    {
        string json = _folder.Write("a.jsonl", "{\"text\":\"a\\u0000b\\u0007e\\u0301\"}\n");
        string text = _folder.Write("a.txt", "a\0b\u0007e\u0301\n");
        Assert.That(TextFiles.Documents(json), Is.EqualTo((string[])["a\0b\u0007e\u0301"]));
        Assert.That(TextFiles.Documents(text), Is.EqualTo((string[])["a\0b\u0007e\u0301"]));
    }

    [TestCase("a.jsonl", 0)]
    [TestCase("a.jsonl", 1)]
    [TestCase("a.txt", 0)]
    [TestCase("a.txt", 1)]
    public void LastLine_MayEndWithTheFile(string name, int newlines)
    {
        string line = name.EndsWith(".txt", StringComparison.Ordinal) ? "end" : """{"text":"end"}""";
        string path = _folder.Write(name, line + new string('\n', newlines));
        Assert.That(TextFiles.Documents(path), Is.EqualTo((string[])["end"]));
    }

    [Test]
    public void Lines_LongerThanTheBuffer_AreReadWhole([Values(65_535, 65_536, 65_537, 1_000_003)] int length)
    {
        string text = new('x', length);
        string path = _folder.Write("a.txt", $"{text}\n\n{text}y\r\n\nz");
        Assert.That(TextFiles.Documents(path), Is.EqualTo((string[])[text, text + "y", "z"]));
    }

    [TestCase("a.json")]
    [TestCase("a.tsv.gz")]
    [TestCase("a.gz")]
    [TestCase("jsonl")]
    public void OtherNames_AreRefused(string name)
    {
        string path = _folder.Write(name, "text");
        var error = Assert.Throws<RunException>(() => TextFiles.Documents(path));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.StartWith(path).And.Contains(".jsonl.gz"));
    }

    [Test]
    public void MissingFileOrFolder_IsRefused()
    {
        Directory.CreateDirectory(_folder.At("folder.txt"));
        var missing = Assert.Throws<RunException>(() => TextFiles.Documents(_folder.At("missing.txt")));
        var folder = Assert.Throws<RunException>(() => TextFiles.Documents(_folder.At("folder.txt")));
        Assert.That(missing.Message, Does.Contain("No such file").IgnoreCase);
        Assert.That(folder.Message, Does.Contain("folder"));
        Assert.That((missing.Code, folder.Code), Is.EqualTo((ExitCode.Config, ExitCode.Config)));
    }

    [Test]
    public void OverlongDocument_InText_IsRefused()
    {
        string line = new string('x', 1 << 20) + "\n";
        string path = _folder.Write("a.txt", string.Concat(Enumerable.Repeat(line, 17)));
        var error = Assert.Throws<RunException>(() => TextFiles.Documents(path));
        Assert.That(error.Message, Does.StartWith($"{path}:16:").And.Contains("blank lines"));
    }

    [Test]
    public void Gzip_GivesTheSameDocuments()
    {
        string text = string.Join("\n\n", Enumerable.Range(0, 5000).Select(i => $"document {i} {i * i}"));
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        string plain = _folder.Write("a.txt", bytes), packed = _folder.Write("a.txt.gz", TextFiles.Gzip(bytes));
        Assert.That(TextFiles.Documents(packed), Is.EqualTo(TextFiles.Documents(plain)));
    }
}
