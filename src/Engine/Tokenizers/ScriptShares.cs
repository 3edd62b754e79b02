namespace FastCpt.Engine.Tokenizers;

/// <summary>To which share of a balanced vocabulary a piece belongs: the script of its first letter.</summary>
internal sealed class ScriptShares
{
    private readonly int[] _shareOf = new int[UnicodeTable.ScriptNames.Length];     // by script; 0 is the shared one

    private ScriptShares(List<string> names) => Names = names;

    /// <summary>Names of the shares; the first is Other.</summary>
    public List<string> Names { get; }

    /// <summary>One share, to which everything belongs.</summary>
    public static ScriptShares Single() => new(["All"]);

    /// <summary>A share for every script with at least a hundredth of the letters of the text.</summary>
    public static ScriptShares Of(WordCounter words)
    {
        var letters = new long[UnicodeTable.ScriptNames.Length];
        for (int word = 0; word < words.Count; word++)
        {
            var text = words[word];
            for (int at = 0; at < text.Length;)
            {
                int codePoint = Utf8Text.Decode(text, at, out int length);
                if (IsLetter(codePoint))
                    letters[UnicodeTable.Scripts[codePoint]] += words.CountOf(word);
                at += length;
            }
        }
        var shares = new ScriptShares(["Other"]);
        long all = letters.Sum();
        for (int script = 1; script < letters.Length; script++)
        {
            if (letters[script] == 0 || letters[script] < all / 100)
                continue;
            shares._shareOf[script] = shares.Names.Count;
            shares.Names.Add(UnicodeTable.ScriptNames[script]);
        }
        return shares;
    }

    /// <summary>The share of a piece, which may begin or end inside a character.</summary>
    /// <remarks>
    /// A character whose end is missing counts if all letters that could stand there are of one script.
    /// </remarks>
    public int Of(ReadOnlySpan<byte> piece)
    {
        if (Names.Count == 1)
            return 0;
        int at = 0;
        while (at < piece.Length && (piece[at] & 0xC0) == 0x80)
            at++;
        while (at < piece.Length)
        {
            int codePoint = Utf8Text.Decode(piece, at, out int length);
            if (codePoint == Utf8Text.Invalid)
                return OfPrefix(piece[at..]);
            if (IsLetter(codePoint) && UnicodeTable.Scripts[codePoint] > 0)
                return _shareOf[UnicodeTable.Scripts[codePoint]];
            at += length;
        }
        return 0;
    }

    private int OfPrefix(ReadOnlySpan<byte> prefix)
    {
        int length = prefix[0] >= 0xF0 ? 4 : prefix[0] >= 0xE0 ? 3 : 2;
        if (prefix[0] < 0xC2 || prefix.Length >= length)
            return 0;
        int first = prefix[0] & (0x7F >> length);
        for (int k = 1; k < prefix.Length; k++)
            first = (first << 6) | (prefix[k] & 0x3F);
        int bits = 6 * (length - prefix.Length), script = 0;
        for (int codePoint = first << bits; codePoint < Math.Min((first + 1) << bits, 0x110000); codePoint++)
        {
            if (!IsLetter(codePoint) || UnicodeTable.Scripts[codePoint] == 0)
                continue;
            if (script != 0 && script != UnicodeTable.Scripts[codePoint])
                return 0;
            script = UnicodeTable.Scripts[codePoint];
        }
        return _shareOf[script];
    }

    private static bool IsLetter(int codePoint) =>
        codePoint >= 0 && ((CharacterClass)UnicodeTable.Classes[codePoint] & CharacterClass.Letter) != 0;
}
