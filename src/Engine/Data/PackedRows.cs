using FastCpt.Engine.Config;

namespace FastCpt.Engine.Data;

/// <summary>The rows of one language's training documents: which tokens stand in which row.</summary>
/// <remarks>A row is known by its number alone, so any row can be made without those before it.</remarks>
public abstract class PackedRows(TokenShard shard, int rowTokens)
{
    /// <summary>The longest row, T.</summary>
    public int RowTokens { get; } = rowTokens;

    public abstract int RowCount { get; }

    /// <summary>Tokens that stand in the rows of one epoch.</summary>
    public abstract long TokenCount { get; }

    /// <summary>Tokens that the rows of one epoch predict.</summary>
    public abstract long PredictedTokenCount { get; }

    /// <summary>Segments that the rows of one epoch have; each has a number of its own.</summary>
    public abstract long SegmentCount { get; }

    protected TokenShard Shard { get; } = shard;

    /// <param name="documents">Of the shard; isolated, those of one token have no row.</param>
    public static PackedRows Of(
        PackingMode mode, TokenShard shard, IReadOnlyList<DocumentTokens> documents, int rowTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rowTokens, 2);
        return mode == PackingMode.Wrapped
            ? new WrappedRows(shard, documents, rowTokens)
            : new IsolatedRows(shard, documents, rowTokens);
    }

    /// <summary>Tokens that a row predicts, without reading any.</summary>
    public abstract int PredictedTokens(int row);

    /// <summary>Appends a row to a batch.</summary>
    /// <param name="firstSample">Added to the numbers of the row's segments.</param>
    public abstract void Append(int row, long firstSample, Batch batch);
}
