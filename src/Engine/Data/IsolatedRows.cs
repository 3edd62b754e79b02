namespace FastCpt.Engine.Data;

/// <summary>Documents side by side in a row, each a segment of its own that starts at position 0.</summary>
/// <remarks>
/// Every token of a document but its first is predicted once per epoch. A document of n tokens is n − 1 inputs; longer
/// than a row, it becomes pieces of a row each and a rest, and only there does a token miss what precedes it. Shorter
/// pieces are never split: sorted by falling length, each goes into the fullest row that has room (best-fit
/// decreasing; Ding et al. 2024, "Fewer truncations improve language modeling"). What stays free in a row is not
/// padded: batches are ragged. A document's logits have the bits that it has alone.
/// </remarks>
public sealed class IsolatedRows : PackedRows
{
    private readonly IReadOnlyList<DocumentTokens> _documents;
    private readonly List<Piece> _pieces = [];
    private readonly int[] _rowPieces;          // by row: pieces _rowStarts[row] until _rowStarts[row + 1] of it
    private readonly int[] _rowStarts;
    private readonly int[] _rowTokens;

    internal IsolatedRows(TokenShard shard, IReadOnlyList<DocumentTokens> documents, int rowTokens)
        : base(shard, rowTokens)
    {
        _documents = documents;
        for (int i = 0; i < documents.Count; i++)
            for (int first = 0; first < documents[i].Count - 1; first += rowTokens)
                _pieces.Add(new Piece(i, first));
        int[] rowOfPiece = FitPieces(out int rowCount);
        (_rowStarts, _rowPieces) = GroupByRow(rowOfPiece, rowCount);
        _rowTokens = new int[rowCount];
        for (int piece = 0; piece < rowOfPiece.Length; piece++)
            _rowTokens[rowOfPiece[piece]] += Length(piece);
        foreach (int tokens in _rowTokens)
            TokenCount += tokens;
    }

    public override int RowCount => _rowTokens.Length;

    public override long TokenCount { get; }

    public override long PredictedTokenCount => TokenCount;

    public override long SegmentCount => _pieces.Count;

    public override int PredictedTokens(int row) => _rowTokens[row];

    public override void Append(int row, long firstSample, Batch batch)
    {
        for (int i = _rowStarts[row]; i < _rowStarts[row + 1]; i++)
        {
            Piece piece = _pieces[_rowPieces[i]];
            batch.AppendPiece(
                Shard, _documents[piece.Document], piece.First, Length(_rowPieces[i]), firstSample + _rowPieces[i]);
        }
    }

    private int Length(int piece) =>
        Math.Min(RowTokens, _documents[_pieces[piece].Document].Count - 1 - _pieces[piece].First);

    /// <returns>The row of each piece.</returns>
    private int[] FitPieces(out int rowCount)
    {
        var rowOfPiece = new int[_pieces.Count];
        var roomy = new Stack<int>[RowTokens];              // rows by the room they have left, 0 excluded
        var hasRoom = new RoomSet(RowTokens);
        rowCount = 0;
        foreach (int piece in ByFallingLength())
        {
            int length = Length(piece), room = hasRoom.Smallest(length);
            int row = room < 0 ? rowCount++ : roomy[room].Pop();
            if (room >= 0 && roomy[room].Count == 0)
                hasRoom.Remove(room);
            rowOfPiece[piece] = row;
            int left = (room < 0 ? RowTokens : room) - length;
            if (left == 0)
                continue;
            (roomy[left] ??= new Stack<int>()).Push(row);
            hasRoom.Add(left);
        }

        return rowOfPiece;
    }

    /// <summary>Pieces from the longest to the shortest, in document order among equals (a counting sort).</summary>
    private int[] ByFallingLength()
    {
        var next = new int[RowTokens + 1];                  // by length, where its next piece goes
        for (int piece = 0; piece < _pieces.Count; piece++)
            next[Length(piece) - 1]++;
        for (int length = RowTokens - 1; length >= 0; length--)
            next[length] += next[length + 1];
        var sorted = new int[_pieces.Count];
        for (int piece = 0; piece < sorted.Length; piece++)
            sorted[next[Length(piece)]++] = piece;
        return sorted;
    }

    private static (int[] RowStarts, int[] RowPieces) GroupByRow(int[] rowOfPiece, int rowCount)
    {
        var starts = new int[rowCount + 1];
        foreach (int row in rowOfPiece)
            starts[row + 1]++;
        for (int row = 0; row < rowCount; row++)
            starts[row + 1] += starts[row];
        var next = starts[..rowCount];
        var pieces = new int[rowOfPiece.Length];
        for (int piece = 0; piece < pieces.Length; piece++)
            pieces[next[rowOfPiece[piece]]++] = piece;
        return (starts, pieces);
    }

    /// <param name="First">The first of the document's tokens in the piece.</param>
    private readonly record struct Piece(int Document, int First);

    /// <summary>A set of amounts of room, searched upward by words of bits.</summary>
    private sealed class RoomSet(int limit)
    {
        private readonly ulong[] _words = new ulong[(limit / 64) + 1];

        public void Add(int room) => _words[room >> 6] |= 1UL << (room & 63);

        public void Remove(int room) => _words[room >> 6] &= ~(1UL << (room & 63));

        /// <summary>The smallest that is at least the wanted one; −1 where there is none.</summary>
        public int Smallest(int wanted)
        {
            int word = wanted >> 6;
            if (word >= _words.Length)
                return -1;
            ulong bits = _words[word] & (ulong.MaxValue << (wanted & 63));
            while (bits == 0 && ++word < _words.Length)
                bits = _words[word];
            return bits == 0 ? -1 : (word << 6) + System.Numerics.BitOperations.TrailingZeroCount(bits);
        }
    }
}
