namespace FastCpt.Engine.Data;

/// <summary>Pieces of text packed into rows, none of them split.</summary>
/// <remarks>
/// Sorted by falling length, each goes into the fullest row that has room (best-fit decreasing; Ding et al. 2024,
/// "Fewer truncations improve language modeling").
/// </remarks>
internal sealed class BestFit
{
    private readonly int[] _rowPieces;          // by row: pieces _rowStarts[row] until _rowStarts[row + 1] of it
    private readonly int[] _rowStarts;
    private readonly int[] _rowTokens;

    /// <param name="lengths">Of the pieces, each at most a row's.</param>
    public BestFit(int[] lengths, int rowTokens)
    {
        int[] rowOfPiece = FitPieces(lengths, rowTokens, out int rowCount);
        (_rowStarts, _rowPieces) = GroupByRow(rowOfPiece, rowCount);
        _rowTokens = new int[rowCount];
        for (int piece = 0; piece < rowOfPiece.Length; piece++)
            _rowTokens[rowOfPiece[piece]] += lengths[piece];
    }

    public int RowCount => _rowTokens.Length;

    /// <summary>Tokens of a row.</summary>
    public int Tokens(int row) => _rowTokens[row];

    /// <summary>Pieces of a row, by their numbers.</summary>
    public ReadOnlySpan<int> Pieces(int row) => _rowPieces.AsSpan(_rowStarts[row].._rowStarts[row + 1]);

    /// <returns>The row of each piece.</returns>
    private static int[] FitPieces(int[] lengths, int rowTokens, out int rowCount)
    {
        var rowOfPiece = new int[lengths.Length];
        var roomy = new Stack<int>[rowTokens];              // rows by the room they have left, 0 excluded
        var hasRoom = new RoomSet(rowTokens);
        rowCount = 0;
        foreach (int piece in ByFallingLength(lengths, rowTokens))
        {
            int length = lengths[piece], room = hasRoom.Smallest(length);
            int row = room < 0 ? rowCount++ : roomy[room].Pop();
            if (room >= 0 && roomy[room].Count == 0)
                hasRoom.Remove(room);
            rowOfPiece[piece] = row;
            int left = (room < 0 ? rowTokens : room) - length;
            if (left == 0)
                continue;
            (roomy[left] ??= new Stack<int>()).Push(row);
            hasRoom.Add(left);
        }

        return rowOfPiece;
    }

    /// <summary>Pieces from the longest to the shortest, in document order among equals (a counting sort).</summary>
    private static int[] ByFallingLength(int[] lengths, int rowTokens)
    {
        var next = new int[rowTokens + 1];                  // by length, where its next piece goes
        for (int piece = 0; piece < lengths.Length; piece++)
            next[lengths[piece] - 1]++;
        for (int length = rowTokens - 1; length >= 0; length--)
            next[length] += next[length + 1];
        var sorted = new int[lengths.Length];
        for (int piece = 0; piece < sorted.Length; piece++)
            sorted[next[lengths[piece]]++] = piece;
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
