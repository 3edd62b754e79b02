namespace FastCpt.Engine.Data;

/// <summary>Documents side by side in a row, each a segment of its own that starts at position 0.</summary>
/// <remarks>
/// Every token of a document but its first is predicted once per epoch. A document of n tokens is n − 1 inputs; longer
/// than a row, it becomes pieces of a row each and a rest, and only there does a token miss what precedes it. Shorter
/// pieces are never split, and fitted by <see cref="BestFit"/>. What stays free in a row is not padded: batches are
/// ragged. A document's logits have the bits that it has alone.
/// </remarks>
public sealed class IsolatedRows : PackedRows
{
    private readonly IReadOnlyList<DocumentTokens> _documents;
    private readonly List<Piece> _pieces = [];
    private readonly BestFit _fit;

    internal IsolatedRows(TokenShard shard, IReadOnlyList<DocumentTokens> documents, int rowTokens)
        : base(shard, rowTokens)
    {
        _documents = documents;
        for (int i = 0; i < documents.Count; i++)
            for (int first = 0; first < documents[i].Count - 1; first += rowTokens)
                _pieces.Add(new Piece(i, first));
        _fit = new BestFit([.. Enumerable.Range(0, _pieces.Count).Select(Length)], rowTokens);
        for (int row = 0; row < _fit.RowCount; row++)
            TokenCount += _fit.Tokens(row);
    }

    public override int RowCount => _fit.RowCount;

    public override long TokenCount { get; }

    public override long PredictedTokenCount => TokenCount;

    public override long SegmentCount => _pieces.Count;

    public override int PredictedTokens(int row) => _fit.Tokens(row);

    public override void Append(int row, long firstSample, Batch batch)
    {
        foreach (int i in _fit.Pieces(row))
        {
            Piece piece = _pieces[i];
            batch.AppendPiece(Shard, _documents[piece.Document], piece.First, Length(i), firstSample + i);
        }
    }

    private int Length(int piece) =>
        Math.Min(RowTokens, _documents[_pieces[piece].Document].Count - 1 - _pieces[piece].First);

    /// <param name="First">The first of the document's tokens in the piece.</param>
    private readonly record struct Piece(int Document, int First);
}
