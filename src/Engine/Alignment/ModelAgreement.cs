using System.Text.Json;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;

namespace FastCpt.Engine.Alignment;

/// <summary>Refuses to merge models whose weights mean different things: other vocabularies or constants.</summary>
internal static class ModelAgreement
{
    private static readonly string[] TokenizerFiles =
    [
        "tokenizer.json", "tokenizer.model", "sentencepiece.bpe.model", "vocab.json", "merges.txt", "vocab.bpe",
        "encoder.json", "vocab.txt",
    ];

    /// <summary>Keys of config.json that say nothing about what the model computes.</summary>
    private static readonly string[] OtherKeys =
        ["_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version", "use_cache"];

    /// <exception cref="RunException">Exit 4: the tokenizers or the configurations differ.</exception>
    public static void Require(string first, string other)
    {
        string[] files = [.. TokenizersOf(first).Union(TokenizersOf(other)).Order(StringComparer.Ordinal)];
        foreach (string name in files)
            if (HashOf(first, name) != HashOf(other, name))
                throw Refuse(first, other, $"{name} is another one or missing, so ids would stand for other text");
        using JsonDocument? ours = ConfigOf(first);
        using JsonDocument? theirs = ConfigOf(other);
        if (ours is null || theirs is null)
            throw Refuse(first, other, "config.json is missing");
        string[] differing = [.. KeysOf(ours).Union(KeysOf(theirs)).Except(OtherKeys)
            .Where(key => !IsEqual(ours.RootElement, theirs.RootElement, key)).Order(StringComparer.Ordinal)];
        if (differing.Length > 0 && !ComputesTheSame(first, other))
            throw Refuse(first, other, $"config.json differs in {string.Join(", ", differing)}");
    }

    private static IEnumerable<string> TokenizersOf(string folder) =>
        Directory.GetFiles(folder).Select(path => Path.GetFileName(path))
            .Where(name => TokenizerFiles.Contains(name) || name.EndsWith(".tiktoken", StringComparison.Ordinal));

    private static string? HashOf(string folder, string name) =>
        File.Exists(Path.Combine(folder, name)) ? FileHash.Of(Path.Combine(folder, name)) : null;

    private static JsonDocument? ConfigOf(string folder)
    {
        string path = Path.Combine(folder, "config.json");
        if (!File.Exists(path))
            return null;
        JsonDocument document = StrictJson.Load(path, ExitCode.ModelFile);
        if (document.RootElement.ValueKind == JsonValueKind.Object)
            return document;
        document.Dispose();
        throw new RunException(ExitCode.ModelFile, $"{path}: found no object, expected the model's configuration.");
    }

    /// <summary>Whether the engine reads the same model from both: keys have older and newer spellings.</summary>
    private static bool ComputesTheSame(string first, string other)
    {
        try
        {
            return ModelConfigReader.Read(first).Config.IsSameAs(ModelConfigReader.Read(other).Config);
        }
        catch (RunException)
        {
            return false;       // a kind of model that only its own words can be compared of
        }
    }

    private static IEnumerable<string> KeysOf(JsonDocument config) =>
        config.RootElement.EnumerateObject().Select(property => property.Name);

    private static bool IsEqual(JsonElement ours, JsonElement theirs, string key) =>
        ours.TryGetProperty(key, out JsonElement a) && theirs.TryGetProperty(key, out JsonElement b)
        && JsonElement.DeepEquals(a, b);

    private static RunException Refuse(string first, string other, string what) => new(ExitCode.ModelFile,
        $"{other}: {what}, compared with {first}. "
        + "Only models with the same tokenizer and configuration can be merged.");
}
