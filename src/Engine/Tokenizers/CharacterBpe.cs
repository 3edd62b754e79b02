using System.Runtime.InteropServices;
using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>BPE over characters, where a character without a piece becomes bytes or unknown.</summary>
/// <remarks>
/// Text is cut where no piece can reach over: before a U+2581 that follows a character which no piece has before it.
/// That changes no ids, but keeps words short and lets them be remembered.
/// </remarks>
internal sealed class CharacterBpe(CharacterSymbols symbols, MergeTable merges)
{
    /// <summary>The piece for characters without one; null drops them.</summary>
    public required int? Unknown { get; init; }

    /// <summary>Neighbouring unknown characters become one id.</summary>
    public required bool FusesUnknown { get; init; }

    /// <summary>Ids by byte, for characters without a piece; empty where those are unknown.</summary>
    public required int[] BytePieces { get; init; }

    /// <summary>Pieces that are taken from the text as they stand and never merge; null if there are none.</summary>
    public PieceTrie? Frozen { get; init; }

    /// <summary>Pieces that merges may make but that are not for use; null if there are none.</summary>
    public UnusedPieces? Unused { get; init; }

    /// <summary>Appends the ids of normalized text.</summary>
    public void Encode(ReadOnlySpan<byte> text, Workspace workspace, List<int> ids)
    {
        bool afterUnknown = false;
        for (int start = 0; start < text.Length;)
        {
            int end = ReadWord(text, start, workspace.Symbols);
            var word = text[start..end];
            start = end;
            int place = word.Length <= PreTokenCache.MaxBytes ? PreTokenCache.Place(word) : -1;
            var known = place >= 0 ? workspace.Cache.Find(place, word) : [];
            if (!known.IsEmpty)
            {
                ids.AddRange(known);
                afterUnknown = false;
                continue;
            }
            var merged = CollectionsMarshal.AsSpan(workspace.Symbols);
            merged = merged[..workspace.Merger(merges).Merge(merged)];
            int first = ids.Count;
            bool allKnown = true;
            foreach (int symbol in merged)
            {
                afterUnknown = AddSymbol(symbol, afterUnknown, ids);
                allKnown &= !afterUnknown;
            }
            if (allKnown && place >= 0)
                workspace.Cache.Add(place, word, CollectionsMarshal.AsSpan(ids)[first..]);
        }
    }

    /// <summary>Overwrites the list with the symbols up to the next cut.</summary>
    /// <returns>Where the cut is.</returns>
    private int ReadWord(ReadOnlySpan<byte> text, int start, List<int> word)
    {
        word.Clear();
        int before = Utf8Text.Invalid, at = start;
        while (at < text.Length)
        {
            int character = Utf8Text.Decode(text, at, out int length);
            if (at > start && symbols.IsCut(before, character))
                break;
            if (Frozen is not null && Frozen.LongestPrefix(text[at..], out int frozenLength) is >= 0 and var id)
            {
                word.Add(symbols.FirstFrozen + id);
                length = frozenLength;
                character = Utf8Text.Invalid;
            }
            else
            {
                // Normalized text is UTF-8; a map from a broken file can write something else.
                word.Add(symbols.Of(character == Utf8Text.Invalid ? 0xFFFD : character));
            }
            before = character;
            at += length;
        }
        return at;
    }

    /// <returns>True if the symbol is unknown.</returns>
    private bool AddSymbol(int symbol, bool afterUnknown, List<int> ids)
    {
        int character = symbol - symbols.Pieces.Count;
        if (symbol >= symbols.FirstFrozen)
        {
            ids.Add(symbol - symbols.FirstFrozen);
        }
        else if (character < 0)
        {
            if (Unused is not null && Unused.Contains(symbol))
                return AddParts(Unused.Parts(symbol), afterUnknown, ids);
            ids.Add(symbol);
        }
        else if (BytePieces.Length > 0)
        {
            Span<byte> bytes = stackalloc byte[4];
            foreach (byte b in bytes[..new Rune(character).EncodeToUtf8(bytes)])
                ids.Add(BytePieces[b]);
        }
        else
        {
            if (Unknown is int unknown && !(afterUnknown && FusesUnknown))
                ids.Add(unknown);
            return true;
        }
        return false;
    }

    private bool AddParts(ReadOnlySpan<int> parts, bool afterUnknown, List<int> ids)
    {
        foreach (int part in parts)
            afterUnknown = AddSymbol(part, afterUnknown, ids);
        return afterUnknown;
    }

    /// <summary>What one thread needs while it encodes.</summary>
    public sealed class Workspace
    {
        private PairMerger? _merger;

        public List<int> Symbols { get; } = [];

        public PreTokenCache Cache { get; } = new();

        public PairMerger Merger(MergeTable merges) => _merger ??= new PairMerger(merges);
    }
}
