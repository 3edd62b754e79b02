using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>The text of one language and how much of it is taken.</summary>
public sealed record LanguageConfig
{
    /// <summary>The key that the language stands under.</summary>
    public string Name { get; init; } = "";

    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Null where no language has one: then every row comes once an epoch.</summary>
    public double? Weight { get; init; }

    /// <summary>Bytes of text; 0 is all there is.</summary>
    public long BudgetBytes { get; init; }

    /// <summary>Tokens; 0 is all there is.</summary>
    public long BudgetTokens { get; init; }

    internal static readonly Section<LanguageConfig> Section = new Section<LanguageConfig>(new LanguageConfig())
        .Add("files", List(FilePath), c => c.Files, (c, v) => c with { Files = v },
            "JSONL or text files, each also gzip'd (.jsonl, .txt, .jsonl.gz, .txt.gz).", isRequired: true)
        .Add("weight", OptionalValue(NumberAbove(0, 1e9)), c => c.Weight, (c, v) => c with { Weight = v },
            "Share of the training tokens, relative to the other weights; if none is given, languages count by their "
            + "tokens.")
        .Add("budget_bytes", Long(0), c => c.BudgetBytes, (c, v) => c with { BudgetBytes = v },
            "Text that is taken, in bytes, training and validation together; 0: what data.budget_bytes says.")
        .Add("budget_tokens", Long(0), c => c.BudgetTokens, (c, v) => c with { BudgetTokens = v },
            "Text that is taken, in tokens, training and validation together; 0: what data.budget_tokens says.")
        .Check(c => c.Files.Count == 0 ? ("files", "the list is empty; name at least one file.")
            : c.BudgetBytes > 0 && c.BudgetTokens > 0
                ? ("budget_tokens", "there is a budget in bytes as well; give one of the two.")
                : null);
}
