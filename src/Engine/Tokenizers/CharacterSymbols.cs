namespace FastCpt.Engine.Tokenizers;

/// <summary>What characters are called in the merges of a BPE over characters, and where its text may be cut.</summary>
/// <remarks>
/// The symbol of a piece is its id; that of a character without a piece is the number of pieces + code point, so that
/// it can still be part of a merge. Symbols from <see cref="FirstFrozen"/> on stand for pieces that never merge.
/// </remarks>
internal sealed class CharacterSymbols
{
    private const int CodePoints = 0x110000;
    private const int Space = 0x2581;

    private readonly Dictionary<int, int> _pieceOf = [];
    private readonly HashSet<int> _beforeSpace = [];

    /// <param name="pieces">Those that text can become, by id; null for the others. All are UTF-8.</param>
    public CharacterSymbols(IReadOnlyList<byte[]?> pieces)
    {
        Pieces = pieces;
        for (int id = 0; id < pieces.Count; id++)
        {
            if (pieces[id] is not { Length: > 0 } piece)
                continue;
            int character = Utf8Text.Decode(piece, 0, out int length);
            if (length == piece.Length)
                _pieceOf[character] = id;
            for (int at = length; at < piece.Length; at += length)
            {
                int previous = character;
                character = Utf8Text.Decode(piece, at, out length);
                if (character == Space)
                    _beforeSpace.Add(previous);
            }
        }
    }

    public IReadOnlyList<byte[]?> Pieces { get; }

    /// <summary>The symbol of piece 0 where it is frozen; those of the others follow.</summary>
    public int FirstFrozen => Pieces.Count + CodePoints;

    public int Of(int character) => _pieceOf.TryGetValue(character, out int id) ? id : Pieces.Count + character;

    /// <summary>No piece has these two neighbours in it, because none has U+2581 after the first.</summary>
    public bool IsCut(int before, int character) => character == Space && !_beforeSpace.Contains(before);

    /// <summary>The merges of SentencePiece: any two symbols whose text together is a piece, by its score.</summary>
    /// <param name="scores">By id, finite.</param>
    public MergeTable MergesByScore(IReadOnlyList<float> scores)
    {
        var table = new PieceTable(Pieces);
        float[] ordered = [.. Enumerable.Range(0, Pieces.Count).Where(id => Pieces[id] is not null)
            .Select(id => scores[id]).Distinct().OrderDescending()];
        var found = new List<(int Left, int Right, int Rank, int Merged)>();
        for (int id = 0; id < Pieces.Count; id++)
        {
            if (Pieces[id] is not { } piece)
                continue;
            int rank = ordered.AsSpan().BinarySearch(scores[id], Comparer<float>.Create((a, b) => b.CompareTo(a)));
            Utf8Text.Decode(piece, 0, out int length);
            for (int cut = length; cut < piece.Length; cut += length)
            {
                int left = Part(table, piece.AsSpan(0, cut)), right = Part(table, piece.AsSpan(cut));
                if (left >= 0 && right >= 0)
                    found.Add((left, right, rank, id));
                Utf8Text.Decode(piece, cut, out length);
            }
        }
        var merges = new MergeTable(found.Count);
        foreach (var (left, right, rank, merged) in found)
            merges.Add(left, right, rank, merged);
        return merges;
    }

    /// <summary>The symbol of a piece or of a single character, or -1.</summary>
    private int Part(PieceTable table, ReadOnlySpan<byte> text)
    {
        if (table.Find(text) is >= 0 and var id)
            return id;
        int character = Utf8Text.Decode(text, 0, out int length);
        return length == text.Length ? Of(character) : -1;
    }
}
