using System.Text.Json;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

public sealed class TokenizeCommandTests
{
    private static readonly string English = Sample("en"), Russian = Sample("ru");

    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void TokenizeTrain_WritesAFolderThatEncodeAndInspectRead()
    {
        Call trained = Train("--balanced-scripts", "--json");
        Assert.That(trained.Code, Is.EqualTo(ExitCode.Done), trained.Error);
        using JsonDocument result = JsonDocument.Parse(trained.Output);
        Assert.That(result.RootElement.GetProperty("vocabulary_size").GetInt32(), Is.EqualTo(600));
        Assert.That(result.RootElement.GetProperty("merges_by_script").EnumerateObject().Count(), Is.GreaterThan(1));

        Call counted = Call.Of("tokenize", "encode", English, Russian, "--tokenizer", _folder.At("tok"), "--count");
        string[] lines = counted.Output.TrimEnd().Split('\n');
        Assert.That(lines, Has.Length.EqualTo(2));
        Assert.That(lines[0], Does.StartWith(English + ": 317 documents, "));

        Call inspected = Call.Of("inspect", _folder.At("tok"), "--json");
        using JsonDocument facts = JsonDocument.Parse(inspected.Output);
        Assert.That(facts.RootElement.GetProperty("tokenizer_pieces").GetInt32(), Is.EqualTo(600));
        Assert.That(facts.RootElement.GetProperty("tokenizer_sha256").GetString(),
            Is.EqualTo(result.RootElement.GetProperty("sha256").GetString()));
    }

    [Test]
    public void TokenizeEncode_WritesTheIdsOfEveryDocument()
    {
        Train();
        File.WriteAllText(_folder.At("two.jsonl"), "{\"id\": \"a\", \"body\": \"b\"}\n{\"body\": \"bb\"}\n");
        string[] common = ["tokenize", "encode", _folder.At("two.jsonl"), "--tokenizer", _folder.At("tok"),
            "--text-field", "body"];
        Call plain = Call.Of(common), json = Call.Of([.. common, "--json"]);
        string[] lines = plain.Output.TrimEnd().Split('\n');
        int[] first = [.. lines[0].Split(' ').Select(int.Parse)];
        using JsonDocument document = JsonDocument.Parse(json.Output.Split('\n')[0]);
        Assert.Multiple(() =>
        {
            Assert.That(lines, Has.Length.EqualTo(2));
            Assert.That(first, Has.Length.EqualTo(1));
            Assert.That(document.RootElement.GetProperty("id").GetString(), Is.EqualTo("a"));
            Assert.That(document.RootElement.GetProperty("ids")[0].GetInt32(), Is.EqualTo(first[0]));
            Assert.That(plain.Error, Does.Contain("2 documents"));
        });
    }

    [Test]
    public void Tokenize_RefusesWithTheRightCodes()
    {
        Call small = Call.Of("tokenize", "train", English, "--vocabulary-size", "100", "-o", _folder.At("tok"));
        Call absent = Call.Of("tokenize", "encode", English, "--tokenizer", _folder.At("absent"));
        Call noText = Call.Of("tokenize", "train", _folder.At("x.jsonl"), "--vocabulary-size", "300",
            "-o", _folder.At("tok"));
        Call taken = Call.Of("tokenize", "train", English, "--vocabulary-size", "300", "-o", _folder.Path);
        Assert.Multiple(() =>
        {
            Assert.That(small.Code, Is.EqualTo(ExitCode.Config), small.Error);
            Assert.That(absent.Code, Is.EqualTo(ExitCode.ModelFile), absent.Error);
            Assert.That(noText.Code, Is.EqualTo(ExitCode.Config), noText.Error);
            Assert.That(taken.Code, Is.EqualTo(ExitCode.Config), taken.Error);
        });
    }

    private static string Sample(string language) =>
        Path.Combine(TestData.RepositoryRoot, "samples", language + ".jsonl.gz");

    private Call Train(params string[] options) => Call.Of(["tokenize", "train", English, Russian,
        "--vocabulary-size", "600", "--bytes-per-file", "50000", "-o", _folder.At("tok"), .. options]);
}
