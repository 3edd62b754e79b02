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

    private const string Saved = ".modules_to_save.", Weight = ".weight";

    /// <summary>The parameter that a key speaks of, with the path that its base had.</summary>
    /// <returns>Null if it is not a key of PEFT's.</returns>
    internal static string? ParameterOf(string key)
    {
        if (!key.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        string name = key[Prefix.Length..];
        int saved = name.IndexOf(Saved, StringComparison.Ordinal);
        if (saved >= 0)
            return name.IndexOf('.', saved + Saved.Length) is > 0 and var rest ? name[..saved] + name[rest..] : name;
        int kind = Math.Max(
            name.LastIndexOf(".lora_A.", StringComparison.Ordinal),
            name.LastIndexOf(".lora_B.", StringComparison.Ordinal));
        if (kind < 0 || !name.EndsWith(Weight, StringComparison.Ordinal))
            return name;
        int end = kind + ".lora_A".Length;
        int named = name.Length - Weight.Length - end;      // of the adapter's name and the dot before it
        return named > 0 && !name.AsSpan(end + 1, named - 1).Contains('.') ? name[..end] + Weight : name;
    }

    /// <summary>The module whose A or B a parameter is; null where it is neither.</summary>
    internal static string? ModuleOf(string parameter) =>
        parameter.EndsWith(A, StringComparison.Ordinal) ? parameter[..^A.Length]
        : parameter.EndsWith(B, StringComparison.Ordinal) ? parameter[..^B.Length]
        : null;

    /// <summary>A name without its first component, as the bare model has it.</summary>
    internal static string Bare(string name) => name[(name.IndexOf('.') + 1)..];
}
