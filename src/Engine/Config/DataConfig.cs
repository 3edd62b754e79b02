using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>How documents become rows; a run also names the languages, a study derives them.</summary>
public sealed record DataConfig
{
    public int MaxSeqLength { get; init; } = 256;
    public PackingMode Packing { get; init; } = PackingMode.Isolated;
    public double ValidationShare { get; init; } = 0.05;

    /// <summary>Apart from the run's seed, so that runs of several seeds are scored on the same text.</summary>
    public ulong SplitSeed { get; init; } = 42;

    public int MaxBadLines { get; init; }
    public string TextField { get; init; } = "text";

    /// <summary>Of each language that gives none of its own; 0 is all there is.</summary>
    public long BudgetBytes { get; init; }

    /// <inheritdoc cref="BudgetBytes"/>
    public long BudgetTokens { get; init; }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<LanguageConfig> Languages { get; init; } = [];

    private const int MaxBatchTokens = 1 << 26;

    /// <summary>The keys that runs and studies share.</summary>
    internal static readonly Section<DataConfig> WithoutLanguages = Common().Check(c => c.Problem());

    internal static readonly Section<DataConfig> Section = Common()
        .Add("languages",
            Map(LanguageConfig.Section, c => c.Name, (c, name) => c with { Name = name }),
            c => c.Languages, (c, v) => c with { Languages = v },
            "The text, by language; the order counts.", isRequired: true)
        .Check(c => c.Problem() ?? c.ProblemOfLanguages())
        .Complete(c => c with { Languages = [.. c.Languages.Select(c.WithBudget)] });

    /// <summary>Why batches of so many rows cannot be; null where they can: arrays are indexed with 32 bits.</summary>
    internal string? ProblemOfBatch(int rows) =>
        (long)rows * MaxSeqLength > MaxBatchTokens
            ? $"batch_size {rows} times data.max_seq_length {MaxSeqLength} is more than the {MaxBatchTokens} tokens "
                + "that a batch may have. Accumulate the gradient over smaller batches."
            : null;

    private (string Key, string Message)? Problem() =>
        Packing == PackingMode.Wrapped && MaxSeqLength < 3
            ? ("max_seq_length", "a wrapped document begins and ends with a mark, so a row has 3 tokens or more.")
        : BudgetBytes > 0 && BudgetTokens > 0
            ? ("budget_tokens", "there is a budget in bytes as well; give one of the two.")
            : null;

    private (string Key, string Message)? ProblemOfLanguages() =>
        Languages.Count == 0 ? ("languages", "the map is empty; name at least one language.")
        : Languages.Any(c => c.Weight.HasValue) && Languages.FirstOrDefault(c => c.Weight is null) is { } missing
            ? ("languages", $"'{missing.Name}' has no weight but others have; give every language one, or none.")
        : null;

    private LanguageConfig WithBudget(LanguageConfig language) =>
        language.BudgetBytes > 0 || language.BudgetTokens > 0
            ? language
            : language with { BudgetBytes = BudgetBytes, BudgetTokens = BudgetTokens };

    private static Section<DataConfig> Common() => new Section<DataConfig>(new DataConfig())
        .Add("max_seq_length", Int(2, 1 << 20), c => c.MaxSeqLength, (c, v) => c with { MaxSeqLength = v },
            "Tokens of a row; longer documents are cut.")
        .Add("packing", Choice<PackingMode>(), c => c.Packing, (c, v) => c with { Packing = v },
            "isolated: documents in a row do not see each other and positions restart. wrapped: the stream of tokens "
            + "is cut every row, as the paper does.")
        .Add("validation_share", Number(0, 0.5), c => c.ValidationShare, (c, v) => c with { ValidationShare = v },
            "Share of the documents that are kept for validation, chosen by document and split_seed.")
        .Add("split_seed", Seeds, c => c.SplitSeed, (c, v) => c with { SplitSeed = v },
            "Chooses the documents that are kept for validation; translations of one id are on one side.")
        .Add("max_bad_lines", Int(0), c => c.MaxBadLines, (c, v) => c with { MaxBadLines = v },
            "Corrupt lines that are skipped and counted before the run is refused; 0 refuses the first.")
        .Add("text_field", Text, c => c.TextField, (c, v) => c with { TextField = v },
            "The key of a JSONL line that holds the text.")
        .Add("budget_bytes", Long(0), c => c.BudgetBytes, (c, v) => c with { BudgetBytes = v },
            "Text taken of each language, in bytes, training and validation together; 0: all.")
        .Add("budget_tokens", Long(0), c => c.BudgetTokens, (c, v) => c with { BudgetTokens = v },
            "Text taken of each language, in tokens, training and validation together; 0: all.");
}
