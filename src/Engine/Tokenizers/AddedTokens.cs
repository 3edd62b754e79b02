using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>A token that is cut out of the text as it stands, before anything else is done.</summary>
/// <param name="Special">Not part of the text proper: begin, end, padding and the like.</param>
/// <param name="StripLeft">Takes the white space before it along.</param>
/// <param name="StripRight">Takes the white space after it along.</param>
/// <param name="Normalized">Is looked for in the normalized text rather than in the original.</param>
internal sealed record AddedToken(
    int Id, string Content, bool Special, bool StripLeft, bool StripRight, bool Normalized);

/// <summary>Finds added tokens in a text, from the left, at each place the longest.</summary>
internal sealed class AddedTokens
{
    private readonly AddedToken[] _tokens;
    private readonly PieceTrie _trie;
    private readonly bool[] _starts = new bool[256];

    public AddedTokens(IEnumerable<AddedToken> tokens)
    {
        _tokens = [.. tokens];
        byte[][] contents = [.. _tokens.Select(token => Encoding.UTF8.GetBytes(token.Content))];
        _trie = new PieceTrie(contents);
        foreach (byte[] content in contents)
            _starts[content[0]] = true;
    }

    public bool IsEmpty => _tokens.Length == 0;

    /// <summary>The first added token at or after a position.</summary>
    /// <param name="from">Where the search starts; white space before it is not taken along.</param>
    /// <returns>Start and end of what it replaces; a null token and the end of the text if there is none.</returns>
    public (AddedToken? Token, int Start, int End) Next(ReadOnlySpan<byte> text, int from)
    {
        for (int at = from; at < text.Length; at++)
        {
            if (!_starts[text[at]] || _trie.LongestPrefix(text[at..], out int length) is not (>= 0 and var found))
                continue;
            AddedToken token = _tokens[found];
            int start = at, end = at + length;
            if (token.StripLeft)
                start = SpacesBefore(text, from, at);
            while (token.StripRight && end < text.Length && IsSpace(text, end, out int width))
                end += width;
            return (token, start, end);
        }
        return (null, text.Length, text.Length);
    }

    private static int SpacesBefore(ReadOnlySpan<byte> text, int from, int at)
    {
        while (at > from)
        {
            int start = at - 1;
            while (start > from && (text[start] & 0xC0) == 0x80)
                start--;
            if (!IsSpace(text, start, out int width) || start + width != at)
                break;
            at = start;
        }
        return at;
    }

    private static bool IsSpace(ReadOnlySpan<byte> text, int at, out int length) =>
        (Utf8Text.ClassAt(text, at, out length) & CharacterClass.Space) != 0;
}
