using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Data;

/// <summary>The texts of a run as token shards, cut and split as its configuration says.</summary>
/// <remarks>
/// Wrapped rows take the paper's documents: cut to a row's length, the rest dropped (family-cpt.md 2.3). Isolated rows
/// take whole documents, which become several segments where they are longer.
/// </remarks>
public sealed class Corpora(
    DataConfig data, string folder, Tokenizer tokenizer, Action<string> say, StopSignal stop, int threads,
    FileSystem? files = null)
{
    private readonly ShardFolder _shards = new(
        folder, tokenizer, data.Packing == PackingMode.Wrapped ? data.MaxSeqLength : int.MaxValue, say, stop, threads,
        files);

    /// <summary>How the text of a language is read, as the configuration says.</summary>
    public static LanguageText Text(
        DataConfig data, string language, IReadOnlyList<string> files, bool heldOut = false, Budget? budget = null) =>
        new(language, files, heldOut, budget, data.MaxBadLines)
        {
            Seed = data.SplitSeed, TextField = data.TextField, ValidationShare = data.ValidationShare,
        };

    /// <summary>The text of a language, within its own budget or that of all languages.</summary>
    /// <param name="heldOut">Never trained on: what is not on the validation side is not used.</param>
    /// <exception cref="RunException">Exit 3: the text is refused. Exit 130, 143: stopped.</exception>
    public TokenShard Open(LanguageConfig language, bool heldOut = false) => _shards.Open(Text(
        data, language.Name, language.Files, heldOut,
        BudgetOf(language.BudgetTokens, language.BudgetBytes) ?? CommonBudget));

    private Budget? CommonBudget => BudgetOf(data.BudgetTokens, data.BudgetBytes);

    /// <summary>Amounts of 0 are no budget; a configuration gives at most one.</summary>
    private static Budget? BudgetOf(long tokens, long bytes) =>
        tokens > 0 ? new Budget(tokens, BudgetUnit.Tokens) : bytes > 0 ? new Budget(bytes, BudgetUnit.Bytes) : null;
}
