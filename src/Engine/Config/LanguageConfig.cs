using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>The text of one language and how much of it is taken.</summary>
public sealed record LanguageConfig
{
    /// <summary>The key that the language stands under.</summary>
    public string Name { get; init; } = "";

    public IReadOnlyList<string> Files { get; init; } = [];
    public double Weight { get; init; } = 1;

    /// <summary>Bytes of text; 0 is all there is.</summary>
    public long BudgetBytes { get; init; }

    /// <summary>Tokens; 0 is all there is.</summary>
    public long BudgetTokens { get; init; }

    internal static readonly Section<LanguageConfig> Section = new Section<LanguageConfig>(new LanguageConfig())
        .Add("files", List(FilePath), c => c.Files, (c, v) => c with { Files = v },
            "JSONL or text files, each also gzip'd (.jsonl, .txt, .jsonl.gz, .txt.gz).", isRequired: true)
        .Add("weight", NumberAbove(0, 1e9), c => c.Weight, (c, v) => c with { Weight = v },
            "Share of the training tokens, relative to the other languages' weights.")
        .Add("budget_bytes", Long(0), c => c.BudgetBytes, (c, v) => c with { BudgetBytes = v },
            "Training text that is taken at most, in bytes of UTF-8; 0: all.")
        .Add("budget_tokens", Long(0), c => c.BudgetTokens, (c, v) => c with { BudgetTokens = v },
            "Training text that is taken at most, in tokens; 0: all.")
        .Check(c => c.Files.Count == 0 ? ("files", "the list is empty; name at least one file.")
            : c.BudgetBytes > 0 && c.BudgetTokens > 0
                ? ("budget_tokens", "there is a budget in bytes as well; give one of the two.")
                : null);
}
