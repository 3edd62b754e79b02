using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Normal form C of UAX 15, by our own tables: characters composed, marks in canonical order.</summary>
/// <remarks>
/// A character is inert if it never changes beside another inert one; runs of those are copied. The others are taken
/// apart, ordered and composed together with the inert character before them. Bytes that are not UTF-8 are copied. The
/// tables are those of Hugging Face's library. Not safe for several threads: each has its own.
/// </remarks>
internal sealed class CanonicalComposition
{
    private const int HangulFirst = 0xAC00, HangulCount = 11172;
    private const int LFirst = 0x1100, VFirst = 0x1161, TFirst = 0x11A7, LCount = 19, VCount = 21, TCount = 28;

    private static readonly Tables Shared = new();

    private readonly ArrayBufferWriter<byte> _written = new();
    private readonly List<int> _segment = [];
    private readonly List<long> _order = [];

    /// <returns>The text itself where nothing changes; else valid until the next call.</returns>
    public ReadOnlySpan<byte> Compose(ReadOnlySpan<byte> text)
    {
        int next = NextActive(text, 0, out int inert);
        if (next == text.Length)
            return text;
        _written.ResetWrittenCount();
        for (int copied = 0; ; next = NextActive(text, copied, out inert))
        {
            _written.Write(text[copied..inert]);
            if (next == text.Length)
                break;
            copied = ReadSegment(text, inert, next);
            ComposeSegment();
        }
        return _written.WrittenSpan;
    }

    /// <summary>The first character that may change, or the end; and the character before, which may change with it.
    /// </summary>
    private static int NextActive(ReadOnlySpan<byte> text, int at, out int before)
    {
        before = at;
        while (at < text.Length)
        {
            int character = Utf8Text.Decode(text, at, out int length);
            if (character >= 0x300 && !Shared.IsInert(character))
                return at;
            before = at;
            at += length;
            if (character == Utf8Text.Invalid)
                before = at;
        }
        before = text.Length;
        return text.Length;
    }

    /// <summary>Takes apart what lies from a start to the next inert character behind a position.</summary>
    private int ReadSegment(ReadOnlySpan<byte> text, int start, int active)
    {
        _segment.Clear();
        int at = start;
        while (at < text.Length)
        {
            int character = Utf8Text.Decode(text, at, out int length);
            if (character == Utf8Text.Invalid || (at > active && Shared.IsInert(character)))
                break;
            Shared.Decompose(character, _segment);
            at += length;
        }
        return at;
    }

    private void ComposeSegment()
    {
        Order();
        var segment = CollectionsMarshal.AsSpan(_segment);
        int count = 0, starter = -1, lastClass = 0;
        foreach (int character in segment)
        {
            int own = UnicodeTable.CombiningClasses[character];
            bool near = starter >= 0 && (starter == count - 1 || (lastClass != 0 && lastClass < own));
            if (near && Shared.Composite(segment[starter], character) is >= 0 and var composite)
            {
                segment[starter] = composite;
                continue;
            }
            if (own == 0)
                starter = count;
            lastClass = own;
            segment[count++] = character;
        }
        foreach (int character in segment[..count])
            _written.Advance(new Rune(character).EncodeToUtf8(_written.GetSpan(4)));
    }

    /// <summary>Sorts every run of marks by combining class; equal ones keep their order.</summary>
    private void Order()
    {
        for (int start = 0; start < _segment.Count;)
        {
            int end = start;
            _order.Clear();
            while (end < _segment.Count && UnicodeTable.CombiningClasses[_segment[end]] is > 0 and var own)
                _order.Add(((long)own << 53) | ((long)(end++ - start) << 21) | (uint)_segment[end - 1]);
            _order.Sort();
            for (int k = start; k < end; k++)
                _segment[k] = (int)(_order[k - start] & 0x1FFFFF);
            start = end + 1;
        }
    }

    private sealed class Tables
    {
        private readonly Dictionary<int, (int First, int Second)> _parts = [];     // Second is -1 for a single part
        private readonly Dictionary<long, int> _composites = [];
        private readonly UnicodeTable _active;

        public Tables()
        {
            var active = new byte[UnicodeTable.CodePoints];
            var numbers = new Leb128(CompositionData.Decompositions);
            for (int character = 0; !numbers.AtEnd;)
            {
                int code = numbers.Next(), kind = code & 3;
                character += code >> 2;
                int first = numbers.Next(), second = kind == 1 ? -1 : numbers.Next();
                _parts[character] = (first, second);
                if (kind != 2)
                {
                    active[character] = 1;
                    continue;
                }
                _composites[Key(first, second)] = character;
                active[second] = 1;
            }
            active.AsSpan(VFirst, VCount).Fill(1);
            active.AsSpan(TFirst + 1, TCount - 1).Fill(1);
            for (int character = 0; character < active.Length; character++)
                if (UnicodeTable.CombiningClasses[character] != 0)
                    active[character] = 1;
            _active = new UnicodeTable(active);
        }

        /// <summary>Not a mark that is ordered, not a second part of anything, and no other character is preferred.
        /// </summary>
        public bool IsInert(int character) => _active[character] == 0;

        public void Decompose(int character, List<int> parts)
        {
            int syllable = character - HangulFirst;
            if (syllable is >= 0 and < HangulCount)
            {
                parts.Add(LFirst + (syllable / (VCount * TCount)));
                parts.Add(VFirst + (syllable / TCount % VCount));
                if (syllable % TCount > 0)
                    parts.Add(TFirst + (syllable % TCount));
                return;
            }
            // Only the first part is ever taken apart again.
            int insert = parts.Count;
            while (_parts.TryGetValue(character, out var pair))
            {
                if (pair.Second >= 0)
                    parts.Insert(insert, pair.Second);
                character = pair.First;
            }
            parts.Insert(insert, character);
        }

        /// <summary>The one character for two, or -1.</summary>
        public int Composite(int first, int second)
        {
            if (first - LFirst is >= 0 and < LCount && second - VFirst is >= 0 and < VCount)
                return HangulFirst + ((((first - LFirst) * VCount) + second - VFirst) * TCount);
            if (first - HangulFirst is >= 0 and < HangulCount && (first - HangulFirst) % TCount == 0
                && second - TFirst is > 0 and < TCount)
                return first + second - TFirst;
            return _composites.GetValueOrDefault(Key(first, second), -1);
        }

        private static long Key(int first, int second) => ((long)first << 32) | (uint)second;
    }
}
