namespace FastCpt.Engine.Data;

/// <summary>Documents whole, both ends included, each a segment of its own: what masked models read.</summary>
/// <remarks>
/// One longer than a row becomes several segments, each between the ends that the document has. Nothing is predicted
/// until a <see cref="TokenMask"/> hides tokens. What stays free in a row is not padded: batches are ragged.
/// </remarks>
public sealed class SentenceRows : PackedRows
{
    private readonly IReadOnlyList<DocumentTokens> _documents;
    private readonly SentencePiece[] _pieces;
    private readonly BestFit _fit;

    /// <param name="documents">Of the shard, each between two ends; those without a token between them have no row.
    /// </param>
    public SentenceRows(TokenShard shard, IReadOnlyList<DocumentTokens> documents, int rowTokens)
        : base(shard, rowTokens)
    {
        _documents = documents;
        _pieces = [.. SentencePiece.Of(documents, rowTokens)];
        _fit = new BestFit([.. _pieces.Select(piece => piece.Count + SentencePiece.Ends)], rowTokens);
        for (int row = 0; row < _fit.RowCount; row++)
            TokenCount += _fit.Tokens(row);
    }

    public override int RowCount => _fit.RowCount;

    public override long TokenCount { get; }

    /// <summary>Tokens that a mask may hide.</summary>
    public override long PredictedTokenCount => TokenCount - ((long)SentencePiece.Ends * _pieces.Length);

    public override long SegmentCount => _pieces.Length;

    /// <summary>Tokens that a mask may hide.</summary>
    public override int PredictedTokens(int row) =>
        _fit.Tokens(row) - (SentencePiece.Ends * _fit.Pieces(row).Length);

    public override void Append(int row, long firstSample, Batch batch)
    {
        foreach (int i in _fit.Pieces(row))
            batch.AppendSentence(
                Shard, _documents[_pieces[i].Document], _pieces[i].First, _pieces[i].Count, firstSample + i);
    }
}
