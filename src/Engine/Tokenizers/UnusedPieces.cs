using System.Collections.Concurrent;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Pieces of type unused: a BPE may go through them, but in the end they fall apart again.</summary>
/// <remarks>
/// A piece falls into the two symbols that were merged to it, and each of these again. Within a text the merges that
/// lead to a piece are those that its own characters make alone, so the parts depend on the piece only.
/// </remarks>
internal sealed class UnusedPieces
{
    private readonly ConcurrentDictionary<int, int[]> _parts = [];
    private readonly HashSet<int> _unused;
    private readonly CharacterSymbols _symbols;
    private readonly MergeTable _merges;

    public UnusedPieces(IEnumerable<int> unused, CharacterSymbols symbols, MergeTable merges)
    {
        (_symbols, _merges) = (symbols, merges);
        // A single character is not made by a merge, so it stays.
        _unused = [.. unused.Where(piece => symbols.Pieces[piece] is { } text
            && Utf8Text.Decode(text, 0, out int length) is var _ && length < text.Length)];
    }

    public bool Contains(int piece) => _unused.Contains(piece);

    /// <summary>The symbols that stand for a piece; none of them is unused.</summary>
    public ReadOnlySpan<int> Parts(int piece) => _parts.GetOrAdd(piece, FindParts);

    private int[] FindParts(int piece)
    {
        var parts = new List<int>();
        var pending = new Stack<int>([piece]);
        while (pending.TryPop(out int symbol))
        {
            if (!Contains(symbol))
            {
                parts.Add(symbol);
                continue;
            }
            var (left, right) = LastMerge(symbol);
            pending.Push(right);
            pending.Push(left);
        }
        return [.. parts];
    }

    /// <summary>Merges the characters of a piece, and stops before the last step.</summary>
    private (int Left, int Right) LastMerge(int piece)
    {
        byte[] text = _symbols.Pieces[piece]!;   // not null: a merge has made it
        var row = new List<int>();
        for (int at = 0, length; at < text.Length; at += length)
            row.Add(_symbols.Of(Utf8Text.Decode(text, at, out length)));
        while (row.Count > 2)
        {
            int best = -1;
            ulong merge = MergeTable.None;
            for (int k = 0; k + 1 < row.Count; k++)
                if (_merges.Find(row[k], row[k + 1]) is var found && found >> 32 < merge >> 32)
                    (best, merge) = (k, found);
            row[best] = (int)merge;
            row.RemoveAt(best + 1);
        }
        return (row[0], row[1]);
    }
}
