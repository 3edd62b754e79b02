namespace FastCpt.Engine.Data;

/// <summary>A run of a document's tokens that stands between the document's ends in a segment.</summary>
/// <param name="Document">Its place in a list.</param>
/// <param name="First">Of the document's tokens; 0 is the end that opens it.</param>
/// <param name="Count">Without the ends, at least 1.</param>
internal readonly record struct SentencePiece(int Document, int First, int Count)
{
    /// <summary>Tokens that open and close a segment.</summary>
    public const int Ends = 2;

    /// <summary>The pieces of documents, in order.</summary>
    /// <param name="segmentTokens">The most tokens of a segment, ends included.</param>
    public static IEnumerable<SentencePiece> Of(IReadOnlyList<DocumentTokens> documents, int segmentTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(segmentTokens, Ends);
        for (int i = 0; i < documents.Count; i++)
            for (int first = 1; first < documents[i].Count - 1; first += segmentTokens - Ends)
                yield return new SentencePiece(
                    i, first, Math.Min(segmentTokens - Ends, documents[i].Count - 1 - first));
    }
}
