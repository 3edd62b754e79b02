namespace FastCpt.Engine.Data;

/// <summary>Where a document's tokens are in a shard.</summary>
/// <param name="Start">Its first token.</param>
/// <param name="Count">At least 1, ends included.</param>
/// <param name="PredictedBytes">Bytes of the text that the tokens after the first stand for.</param>
public readonly record struct DocumentTokens(long Start, int Count, int PredictedBytes)
{
    /// <summary>The share of <see cref="PredictedBytes"/> of the tokens [first, end), in equal parts.</summary>
    /// <remarks>Shares of adjoining ranges add up to that of the whole, which is exact.</remarks>
    public long BytesOf(int first, int end) => Count == 1 ? 0 : BytesBefore(end) - BytesBefore(first);

    private long BytesBefore(int token) => (long)PredictedBytes * Math.Max(0, token - 1) / (Count - 1);
}
