namespace FastCpt.Engine.Adapters;

/// <summary>What adapters' tensors are called in PEFT's files, and which module a key speaks of.</summary>
/// <remarks>
/// Keys: <c>base_model.model.</c>, the module's path, <c>.lora_A.weight</c> or <c>.lora_B.weight</c>; in memory PEFT
/// puts the adapter's name before <c>.weight</c>, and <c>.modules_to_save.NAME</c> into the path of what is stored
/// whole.
/// Where the base was the bare model, the path lacks the first component. lora-sharing.md 5.
/// </remarks>
public static class LoraNames
{
    public const string A = ".lora_A.weight", B = ".lora_B.weight";

    internal const string Prefix = "base_model.model.";

    private const string Default = ".default.", Saved = ".modules_to_save.default.";

    /// <summary>The parameter that a key speaks of, with the path that its base had.</summary>
    /// <returns>Null if it is not a key of PEFT's.</returns>
    internal static string? ParameterOf(string key)
    {
        if (!key.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        string name = key[Prefix.Length..].Replace(Saved, ".", StringComparison.Ordinal);
        foreach (string kind in new[] { ".lora_A", ".lora_B" })
            if (name.EndsWith($"{kind}{Default}weight", StringComparison.Ordinal))
                return name[..^$"{Default}weight".Length] + ".weight";
        return name;
    }

    /// <summary>The module whose A or B a parameter is; null where it is neither.</summary>
    internal static string? ModuleOf(string parameter) =>
        parameter.EndsWith(A, StringComparison.Ordinal) ? parameter[..^A.Length]
        : parameter.EndsWith(B, StringComparison.Ordinal) ? parameter[..^B.Length]
        : null;

    /// <summary>A name without its first component, as the bare model has it.</summary>
    internal static string Bare(string name) => name[(name.IndexOf('.') + 1)..];
}
