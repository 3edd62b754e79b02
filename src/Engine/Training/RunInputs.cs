using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Training;

/// <summary>Hashes of all that a run reads, so that going on with other text or weights is noticed.</summary>
internal static class RunInputs
{
    private const string BaseRole = "model";

    /// <param name="texts">By language; a shard's name holds the hash of its text and of how it was cut.</param>
    /// <exception cref="RunException">Exit 3: a file cannot be read.</exception>
    public static IReadOnlyDictionary<string, string> Of(
        RunConfig config, Tokenizer tokenizer, IReadOnlyDictionary<string, string> texts)
    {
        var inputs = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["tokenizer"] = tokenizer.Sha256 };
        foreach ((string language, string shard) in texts)
            inputs[$"text {language}"] = shard;
        AddFolder(inputs, BaseRole, config.Model.Path);
        AddFolder(inputs, "anchor", config.Alignment.L2Sp?.Anchor);
        return inputs;
    }

    /// <summary>Those of the base alone, as its folder is now.</summary>
    /// <exception cref="RunException">Exit 3: a file cannot be read.</exception>
    public static IReadOnlyDictionary<string, string> OfBase(string folder)
    {
        var inputs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        AddFolder(inputs, BaseRole, folder);
        return inputs;
    }

    /// <summary>Whether a name is of a file of the base.</summary>
    public static bool IsOfBase(string input) => input.StartsWith(BaseRole + " ", StringComparison.Ordinal);

    private static void AddFolder(SortedDictionary<string, string> inputs, string role, string? folder)
    {
        if (folder is null)
            return;
        foreach (string file in Directory.GetFiles(folder).Order(StringComparer.Ordinal))
            if (Path.GetFileName(file) is var name
                && (name == "config.json" || name.EndsWith(".safetensors", StringComparison.Ordinal)))
                inputs[$"{role} {name}"] = FileHash.Of(file);
    }
}
