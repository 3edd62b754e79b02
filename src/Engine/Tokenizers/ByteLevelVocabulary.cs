namespace FastCpt.Engine.Tokenizers;

/// <summary>Pieces and merges of a byte-level BPE, and how text is prepared for them.</summary>
internal sealed class ByteLevelVocabulary
{
    /// <param name="pieces">Bytes by id; every single byte is among them.</param>
    /// <exception cref="ArgumentException">A byte has no piece; the message names it.</exception>
    public ByteLevelVocabulary(PieceTable pieces, MergeTable merges, SplitPattern pattern)
    {
        (Pieces, Merges, Pattern) = (pieces, merges, pattern);
        for (int b = 0; b < 256; b++)
        {
            IdOfByte[b] = pieces.Find([(byte)b]);
            if (IdOfByte[b] < 0)
                throw new ArgumentException($"byte 0x{b:X2}");
        }
    }

    public PieceTable Pieces { get; }

    public MergeTable Merges { get; }

    public SplitPattern Pattern { get; }

    public int[] IdOfByte { get; } = new int[256];

    /// <summary>A pre-token that is a piece takes its id at once, whatever the merges would make of it.</summary>
    public bool WholeWordsFirst { get; init; }

    /// <summary>Text is brought to normal form C first.</summary>
    public bool Composes { get; init; }

    /// <summary>The merges of a rank file: any neighbours whose bytes together are a piece, by its rank.</summary>
    public static MergeTable MergesByRank(PieceTable pieces)
    {
        var found = new List<(int Left, int Right, int Merged)>();
        for (int id = 0; id < pieces.Count; id++)
        {
            var piece = pieces[id];
            for (int cut = 1; cut < piece.Length; cut++)
                if (pieces.Find(piece[..cut]) is >= 0 and var left && pieces.Find(piece[cut..]) is >= 0 and var right)
                    found.Add((left, right, id));
        }
        var merges = new MergeTable(found.Count);
        foreach (var (left, right, merged) in found)
            merges.Add(left, right, merged, merged);
        return merges;
    }
}
