namespace FastCpt.Engine.Data;

/// <summary>The text of one language and how much of it is used.</summary>
/// <param name="Code">What the language is called in configs, tables and file names.</param>
/// <param name="Files">Read in this order.</param>
/// <param name="HeldOut">Evaluated and never trained on.</param>
/// <param name="Budget">All of it where null.</param>
/// <param name="MaxBadLines">Lines that are passed over before the text is refused.</param>
public sealed record LanguageText(
    string Code, IReadOnlyList<string> Files, bool HeldOut = false, Budget? Budget = null, long MaxBadLines = 0)
{
    /// <summary>Decides the budget's selection and the split: the same for all languages of a study.</summary>
    public ulong Seed { get; init; } = Split.DefaultSeed;

    /// <summary>The key of a JSONL line that holds the text.</summary>
    public string TextField { get; init; } = "text";

    /// <summary>Of documents, for validation.</summary>
    public double ValidationShare { get; init; } = Split.DefaultShare;
}
