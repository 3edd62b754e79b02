namespace FastCpt.Kernels;

/// <summary>Which keys a query sees within its segment.</summary>
public enum AttentionMask
{
    /// <summary>Keys at or before the query.</summary>
    Causal,

    /// <summary>Keys at or before the query, fewer than <see cref="AttentionShape.Window"/> rows back.</summary>
    Window,

    /// <summary>All keys of the segment.</summary>
    Bidirectional,
}

/// <summary>Heads and mask of an attention layer, and what drops out of it in a pass.</summary>
/// <param name="Heads">Query heads H.</param>
/// <param name="KeyHeads">Key and value heads K; H is a multiple. Query head h reads key head h / (H / K).</param>
/// <param name="HeadSize">D.</param>
/// <param name="Scale">What scores are multiplied by, often 1/√D.</param>
/// <param name="Window">Row j is visible to row i when 0 ≤ i − j &lt; Window; only read for that mask.</param>
public readonly record struct AttentionShape(
    int Heads, int KeyHeads, int HeadSize, float Scale, AttentionMask Mask, int Window = 0)
{
    public AttentionDropout Dropout { get; init; }
}

/// <summary>Runs of rows that attend to themselves alone: documents, sentences, padded rows' real part.</summary>
/// <param name="Bounds">I32 [count, 2]: first row and one past the last, in ascending order, not overlapping.
/// A row in no segment is padding: its output is 0 and it takes and gives no gradient.</param>
/// <param name="Longest">Length of the longest segment.</param>
public readonly record struct Segments(Tensor Bounds, int Longest)
{
    public int Count => (int)Bounds.Rows;
}
