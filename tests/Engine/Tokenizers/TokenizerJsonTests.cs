using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Tokenizers;

/// <summary>tokenizer.json in many forms; ids and texts are those of Hugging Face's tokenizers 0.23.2.</summary>
public sealed class TokenizerJsonTests
{
    public static IEnumerable<string> Variants() =>
        File.ReadLines(GoldenFiles.Path("variants.tsv")).Select(line => line.Split('\t')[0]);

    [TestCaseSource(nameof(Variants))]
    public void TokenizerJson_GivesTheIdsAndTextsOfItsLibrary(string name)
    {
        Tokenizer tokenizer = TokenizerJson.Read(Variant(name), name);
        string[] golden = File.ReadLines(GoldenFiles.Path("variants.tsv")).Select(line => line.Split('\t'))
            .Single(row => row[0] == name);
        List<byte[]> lines = [.. new[] { "texts.txt", "patterns.txt", "random.txt" }
            .SelectMany(file => GoldenFiles.Lines(GoldenFiles.Path(file)))];
        Assert.That(GoldenFiles.HashIds(tokenizer, lines), Is.EqualTo((int.Parse(golden[1]), golden[2])));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] line in lines)
            hash.AppendData([.. tokenizer.Bytes(tokenizer.Ids(line)), (byte)'\n']);
        Assert.That(Convert.ToHexStringLower(hash.GetHashAndReset()), Is.EqualTo(golden[3]));
    }

    [Test]
    public void BpeTrainer_MakesThePiecesOfHuggingFacesTrainer()
    {
        var documents = new List<ReadOnlyMemory<byte>>();
        foreach (string language in (string[])["en", "el", "ru"])
        {
            string path = Path.Combine(TestData.RepositoryRoot, "samples", language + ".jsonl.gz");
            foreach (byte[] line in GoldenFiles.Lines(path).Take(60))
                documents.Add(Encoding.UTF8.GetBytes(JsonNode.Parse(line)!["text"]!.GetValue<string>() + "\n"));
        }
        var trained = BpeTrainer.Train(documents, new BpeTrainerOptions { VocabularySize = 659 });
        JsonNode ours = JsonNode.Parse(trained.TokenizerJson)!;
        JsonNode theirs = JsonNode.Parse(File.ReadAllBytes(GoldenFiles.Path("byte_level.json")))!;
        Assert.That(ours["model"]!["merges"]!.ToJsonString(), Is.EqualTo(theirs["model"]!["merges"]!.ToJsonString()));
        Assert.That(JsonNode.DeepEquals(ours, theirs), Is.True);
    }

    [TestCase("/model/type", "\"WordPiece\"", "WordPiece")]
    [TestCase("/model/dropout", "0.1", "dropout")]
    [TestCase("/model/continuing_subword_prefix", "\"##\"", "continuing_subword_prefix")]
    [TestCase("/model/vocab/a", "1048576", "1048575")]
    [TestCase("/model/vocab/a", "3", "gives the id 3")]
    [TestCase("/model/merges/0", "\"zz zz\"", "no piece")]
    [TestCase("/model/merges/0", "\"a\"", "two pieces")]
    [TestCase("/normalizer", "{\"type\":\"Lowercase\"}", "Lowercase")]
    [TestCase("/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"\\\\w+\"", "none of the split patterns")]
    [TestCase("/pre_tokenizer/pretokenizers/0/behavior", "\"Removed\"", "behavior")]
    [TestCase("/pre_tokenizer/pretokenizers/1/add_prefix_space", "true", "add_prefix_space")]
    [TestCase("/decoder/type", "\"WordPiece\"", "ByteLevel")]
    [TestCase("/added_tokens/0/single_word", "true", "single_word")]
    [TestCase("/added_tokens/1/id", "0", "second token")]
    [TestCase("/added_tokens/1/id", "700", "the vocabulary says 1")]
    [TestCase("/unknown_step", "{}", "unknown_step")]
    public void TokenizerJson_RefusesWhatItDoesNotImplement(string place, string value, string named)
    {
        JsonNode json = JsonNode.Parse(File.ReadAllBytes(GoldenFiles.Path("byte_level.json")))!;
        string[] steps = place.Split('/')[1..];
        JsonNode parent = json;
        foreach (string step in steps[..^1])
            parent = int.TryParse(step, out int index) ? parent[index]! : parent[step]!;
        if (int.TryParse(steps[^1], out int last))
            parent[last] = JsonNode.Parse(value);
        else
            parent[steps[^1]] = JsonNode.Parse(value);
        var refused = Assert.Throws<RunException>(
            () => TokenizerJson.Read(JsonSerializer.SerializeToUtf8Bytes(json), "x/tokenizer.json"));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(refused.Message, Does.StartWith("x/tokenizer.json").And.Contain(named));
    }

    [Test]
    public void TokenizerConfig_NamesTheRolesOfTokens()
    {
        string folder = Directory.CreateTempSubdirectory("fastcpt-tests-").FullName;
        File.Copy(GoldenFiles.Path("byte_level.json"), Path.Combine(folder, "tokenizer.json"));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"),
            """{"eos_token": {"content": "<bos>", "lstrip": false}, "bos_token": null, "pad_token": "<eos>"}""");
        Tokenizer tokenizer = Tokenizer.Load(folder);
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"eos_token": "<nowhere>"}""");
        var refused = Assert.Throws<RunException>(() => Tokenizer.Load(folder));
        Directory.Delete(folder, recursive: true);
        Assert.That((tokenizer.Eos, tokenizer.Bos, tokenizer.Pad), Is.EqualTo(((int?)2, (int?)2, (int?)1)));
        Assert.That(refused!.Message, Does.Contain("<nowhere>"));
    }

    private static byte[] Variant(string name)
    {
        JsonNode variant = JsonNode.Parse(File.ReadAllBytes(GoldenFiles.Path("variants.json")))!.AsArray()
            .Single(item => item!["name"]!.GetValue<string>() == name)!;
        JsonNode json = JsonNode.Parse(File.ReadAllBytes(GoldenFiles.Path(variant["base"]!.GetValue<string>())))!;
        foreach (var (key, value) in variant.AsObject())
            if (key is not ("name" or "base"))
                json[key] = value?.DeepClone();
        return JsonSerializer.SerializeToUtf8Bytes(json);
    }
}
