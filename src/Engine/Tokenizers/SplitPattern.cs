namespace FastCpt.Engine.Tokenizers;

/// <summary>
/// Cuts text into pre-tokens, over whose borders no merge goes; the published patterns, each as a scanner that reads
/// every character a bounded number of times.
/// </summary>
/// <remarks>
/// A pattern is known by its exact text, as tokenizer.json and tiktoken give it. Regular expressions are not used: some
/// patterns look ahead, and none may take more than linear time on hostile text.
/// </remarks>
internal sealed class SplitPattern
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Prefix = @"[^\r\n\p{L}\p{N}]?";
    private const string Spaces = @"|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>GPT-2; also what the pre-tokenizer ByteLevel does by itself.</summary>
    public static readonly SplitPattern Gpt2 = new(Kind.Gpt2, 0, true,
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

    /// <summary>cl100k_base and Llama 3.</summary>
    public static readonly SplitPattern Cl100k = new(Kind.Letters, 3, true,
        Contractions + "|" + Prefix + @"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + Spaces);

    /// <summary>Qwen 2 and 3: as cl100k, with digits one by one.</summary>
    public static readonly SplitPattern Qwen2 = new(Kind.Letters, 1, true,
        Contractions + "|" + Prefix + @"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + Spaces);

    /// <summary>o200k_base: marks belong to their letters, a capital starts a word.</summary>
    public static readonly SplitPattern O200k = new(Kind.Cased, 3, true,
        Prefix + Upper + "*" + Lower + "+" + Contractions + "?|" + Prefix + Upper + "+" + Lower + "*" + Contractions +
        @"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + Spaces);

    /// <summary>Tekken (Mistral): as o200k, without contractions and with digits one by one.</summary>
    public static readonly SplitPattern Tekken = new(Kind.Cased, 1, false,
        Prefix + Upper + "*" + Lower + "+|" + Prefix + Upper + "+" + Lower + @"*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" +
        Spaces);

    /// <summary>Every pattern there is.</summary>
    public static readonly SplitPattern[] All = [Gpt2, Cl100k, Qwen2, O200k, Tekken];

    private readonly Kind _kind;
    private readonly int _maxDigits;
    private readonly bool _contractions;

    private SplitPattern(Kind kind, int maxDigits, bool contractions, string text)
    {
        (_kind, _maxDigits, _contractions) = (kind, maxDigits, contractions);
        Text = text;
    }

    private enum Kind
    {
        Gpt2,
        Letters,
        Cased,
    }

    /// <summary>The regular expression as published.</summary>
    public string Text { get; }

    /// <summary>The pattern whose published text this is, or null.</summary>
    public static SplitPattern? Recognise(string text) => Array.Find(All, pattern => pattern.Text == text);

    /// <summary>Where the pre-token ends that starts at a position inside the text; always beyond it.</summary>
    public int End(ReadOnlySpan<byte> text, int start) => _kind switch
    {
        Kind.Gpt2 => Gpt2End(text, start),
        Kind.Letters => LettersEnd(text, start),
        _ => CasedEnd(text, start),
    };

    private static int Gpt2End(ReadOnlySpan<byte> text, int start)
    {
        if (text[start] == '\'' && Contraction(text, start, ignoreCase: false) is > 0 and var length)
            return start + length;
        int at = text[start] == ' ' && start + 1 < text.Length ? start + 1 : start;
        var first = Utf8Text.ClassAt(text, at, out _);
        if ((first & CharacterClass.Letter) != 0)
            return RunEnd(text, at, CharacterClass.Letter);
        if ((first & CharacterClass.Number) != 0)
            return RunEnd(text, at, CharacterClass.Number);
        return (first & CharacterClass.Space) == 0 ? SymbolsEnd(text, at) : SpacesEnd(text, start, newLines: false);
    }

    private int LettersEnd(ReadOnlySpan<byte> text, int start)
    {
        if (text[start] == '\'' && Contraction(text, start, ignoreCase: true) is > 0 and var contraction)
            return start + contraction;
        var first = Utf8Text.ClassAt(text, start, out int length);
        if ((first & CharacterClass.Letter) != 0)
            return RunEnd(text, start, CharacterClass.Letter);
        if ((first & CharacterClass.Number) != 0)
            return DigitsEnd(text, start);
        int next = start + length;
        if ((first & CharacterClass.NewLine) == 0 && next < text.Length
            && (Utf8Text.ClassAt(text, next, out _) & CharacterClass.Letter) != 0)
            return RunEnd(text, next, CharacterClass.Letter);
        return OthersEnd(text, start, first, slash: false);
    }

    private int CasedEnd(ReadOnlySpan<byte> text, int start)
    {
        var first = Utf8Text.ClassAt(text, start, out int length);
        if ((first & CharacterClass.Number) != 0)
            return DigitsEnd(text, start);
        bool hasPrefix = (first & (CharacterClass.Letter | CharacterClass.NewLine)) == 0;
        int end = CasedWordEnd(text, hasPrefix ? start + length : start, out bool endsLower);
        if (!endsLower && first == CharacterClass.Mark)
            end = start + length;    // The mark cannot be a prefix: it alone is the word's [lower]+.
        if (end > 0)
            return _contractions && end < text.Length && text[end] == '\''
                ? end + Contraction(text, end, ignoreCase: true)
                : end;
        return OthersEnd(text, start, first, slash: true);
    }

    /// <summary>The end of [upper]*[lower]+, or else of [upper]+[lower]*, or 0.</summary>
    /// <remarks>
    /// Letters without case and marks are in both sets. After the longest run of [upper], a small letter goes on; if
    /// none follows, the run gives back characters until one is in [lower], which then is the last of the word.
    /// </remarks>
    private static int CasedWordEnd(ReadOnlySpan<byte> text, int start, out bool endsLower)
    {
        const CharacterClass both = CharacterClass.OtherLetter | CharacterClass.Mark;
        int at = start, lastInBoth = 0;
        while (at < text.Length)
        {
            var kind = Utf8Text.ClassAt(text, at, out int length);
            if ((kind & CharacterClass.Lower) != 0)
            {
                endsLower = true;
                return RunEnd(text, at, CharacterClass.Lower | both);
            }
            if ((kind & (CharacterClass.Upper | both)) == 0)
                break;
            at += length;
            if ((kind & both) != 0)
                lastInBoth = at;
        }
        endsLower = lastInBoth > 0;
        return endsLower ? lastInBoth : at > start ? at : 0;
    }

    /// <summary> ?[^\s\p{L}\p{N}]+[\r\n]* (also / at the end), or else the rules for spaces.</summary>
    private static int OthersEnd(ReadOnlySpan<byte> text, int start, CharacterClass first, bool slash)
    {
        const CharacterClass known = CharacterClass.Space | CharacterClass.Letter | CharacterClass.Number;
        int at = start;
        if (text[start] == ' ' && start + 1 < text.Length)
            first = Utf8Text.ClassAt(text, at = start + 1, out _);
        if ((first & known) != 0)
            return SpacesEnd(text, start, newLines: true);
        int end = SymbolsEnd(text, at);
        while (end < text.Length && (text[end] is (byte)'\r' or (byte)'\n' || (slash && text[end] == '/')))
            end++;
        return end;
    }

    /// <summary>The end of \s*[\r\n]+ (where asked for), or of \s+(?!\S), or of \s+.</summary>
    private static int SpacesEnd(ReadOnlySpan<byte> text, int start, bool newLines)
    {
        int at = start, last = start, afterNewLine = 0;
        while (at < text.Length)
        {
            var kind = Utf8Text.ClassAt(text, at, out int length);
            if ((kind & CharacterClass.Space) == 0)
                break;
            last = at;
            at += length;
            if (newLines && (kind & CharacterClass.NewLine) != 0)
                afterNewLine = at;
        }
        if (afterNewLine > 0)
            return afterNewLine;
        return at == text.Length || last == start ? at : last;
    }

    private int DigitsEnd(ReadOnlySpan<byte> text, int start)
    {
        int at = start;
        for (int count = 0; count < _maxDigits && at < text.Length; count++)
        {
            if ((Utf8Text.ClassAt(text, at, out int length) & CharacterClass.Number) == 0)
                break;
            at += length;
        }
        return at;
    }

    private static int RunEnd(ReadOnlySpan<byte> text, int at, CharacterClass set)
    {
        while (at < text.Length && (Utf8Text.ClassAt(text, at, out int length) & set) != 0)
            at += length;
        return at;
    }

    private static int SymbolsEnd(ReadOnlySpan<byte> text, int at)
    {
        const CharacterClass known = CharacterClass.Space | CharacterClass.Letter | CharacterClass.Number;
        while (at < text.Length && (Utf8Text.ClassAt(text, at, out int length) & known) == 0)
            at += length;
        return at;
    }

    /// <summary>The length of 's 't 'm 'd 're 've 'll at an apostrophe, or 0.</summary>
    /// <remarks>Where case does not matter, U+017F (long s) is an s: simple case folding says so.</remarks>
    private static int Contraction(ReadOnlySpan<byte> text, int at, bool ignoreCase)
    {
        var rest = text[(at + 1)..];
        if (rest.IsEmpty)
            return 0;
        int fold = ignoreCase ? 0x20 : 0;
        int first = rest[0] | fold, second = rest.Length > 1 ? rest[1] | fold : 0;
        if (first is 's' or 't' or 'm' or 'd')
            return 2;
        if ((first is 'r' or 'v' && second == 'e') || (first == 'l' && second == 'l'))
            return 3;
        return ignoreCase && rest.StartsWith("ſ"u8) ? 3 : 0;
    }
}
