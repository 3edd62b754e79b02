namespace FastCpt.Engine.Tokenizers;

/// <summary>A byte for every code point, in pages of 256 of which equal ones are kept once.</summary>
internal sealed class UnicodeTable
{
    /// <summary>How many code points there are.</summary>
    public const int CodePoints = 0x110000;

    /// <summary>What a letter, a digit or a space is: <see cref="CharacterClass"/> as a byte.</summary>
    public static readonly UnicodeTable Classes = FromClasses();

    /// <summary>Grapheme cluster break classes: <see cref="GraphemeClass"/> as a byte.</summary>
    public static readonly UnicodeTable Graphemes = FromGraphemes();

    /// <summary>Scripts of letters, as indices into <see cref="ScriptNames"/>.</summary>
    public static readonly UnicodeTable Scripts = FromPairs(UnicodeData.Scripts);

    /// <summary>Canonical combining classes.</summary>
    public static readonly UnicodeTable CombiningClasses = FromPairs(CompositionData.CombiningClasses);

    /// <summary>Long names of scripts; the first is Common.</summary>
    public static readonly string[] ScriptNames = UnicodeData.ScriptNames.Split(' ');

    private readonly ushort[] _pageOf = new ushort[CodePoints >> 8];
    private readonly byte[] _pages;

    /// <param name="values">[CodePoints].</param>
    public UnicodeTable(byte[] values)
    {
        var pages = new List<byte[]>();
        for (int page = 0; page < _pageOf.Length; page++)
        {
            var span = values.AsSpan(page << 8, 256);
            int known = 0;
            while (known < pages.Count && !span.SequenceEqual(pages[known]))
                known++;
            if (known == pages.Count)
                pages.Add(span.ToArray());
            _pageOf[page] = (ushort)known;
        }
        _pages = new byte[pages.Count << 8];
        for (int page = 0; page < pages.Count; page++)
            pages[page].CopyTo(_pages, page << 8);
    }

    /// <summary>The value of a code point, 0 to 10FFFF.</summary>
    public byte this[int codePoint] => _pages[(_pageOf[codePoint >> 8] << 8) | (codePoint & 255)];

    private static UnicodeTable FromClasses()
    {
        ReadOnlySpan<CharacterClass> flags =
        [
            CharacterClass.Other, CharacterClass.Upper, CharacterClass.Lower, CharacterClass.OtherLetter,
            CharacterClass.Mark, CharacterClass.Number, CharacterClass.Space,
        ];
        var values = new byte[CodePoints];
        var runs = new Leb128(UnicodeData.Classes);
        for (int at = 0; at < CodePoints;)
        {
            int run = runs.Next();
            values.AsSpan(at, run >> 3).Fill((byte)flags[run & 7]);
            at += run >> 3;
        }
        values['\r'] = values['\n'] = (byte)(CharacterClass.Space | CharacterClass.NewLine);
        return new UnicodeTable(values);
    }

    private static UnicodeTable FromGraphemes()
    {
        var values = new byte[CodePoints];
        var runs = new Leb128(UnicodeData.Graphemes);
        for (int at = 0; at < CodePoints;)
        {
            int run = runs.Next();
            values.AsSpan(at, run >> 4).Fill((byte)(run & 15));
            at += run >> 4;
        }
        return new UnicodeTable(values);
    }

    private static UnicodeTable FromPairs(string base64)
    {
        var values = new byte[CodePoints];
        var runs = new Leb128(base64);
        for (int at = 0; at < CodePoints;)
        {
            int length = runs.Next();
            values.AsSpan(at, length).Fill((byte)runs.Next());
            at += length;
        }
        return new UnicodeTable(values);
    }
}
