using System.Buffers;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Brings text to the form that pieces are written in, step by step as SentencePiece's normalizer.</summary>
/// <remarks>
/// At each place a user-defined symbol is kept, or the longest key of the character map is replaced, or one character
/// is copied (a byte that is not UTF-8 as U+FFFD). Spaces at both ends and after spaces go, the others become U+2581,
/// and one comes before the text, each where the model says so.
/// </remarks>
internal sealed class SentencePieceNormalizer(SentencePieceModel model)
{
    private readonly PieceTrie? _userDefined = UserDefined(model);

    /// <summary>The symbols that are taken from the text as they are; null if there are none.</summary>
    public PieceTrie? UserDefinedSymbols => _userDefined;

    private ReadOnlySpan<byte> Space => model.EscapesSpaces ? SpaceSymbol.Bytes : " "u8;

    /// <param name="normalized">Appended to.</param>
    public void Normalize(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> normalized)
    {
        if (model.RemovesExtraSpaces)
            while (!text.IsEmpty && Prefix(text, out int length).SequenceEqual(" "u8))
                text = text[length..];
        if (text.IsEmpty)
            return;
        if (!model.SpaceIsSuffix && model.AddsDummyPrefix)
            normalized.Write(Space);
        bool afterSpace = model.RemovesExtraSpaces;
        while (!text.IsEmpty)
        {
            var part = Prefix(text, out int length);
            text = text[length..];
            if (afterSpace)
                part = part.TrimStart((byte)' ');
            if (part.IsEmpty)
                continue;
            Append(part, normalized);
            afterSpace = model.RemovesExtraSpaces && part[^1] == ' ';
        }
        if (model.RemovesExtraSpaces)
        {
            int end = normalized.WrittenCount;
            while (normalized.WrittenSpan[..end].EndsWith(Space))
                end -= Space.Length;
            Cut(normalized, end);
        }
        if (model.SpaceIsSuffix && model.AddsDummyPrefix)
            normalized.Write(Space);
    }

    /// <summary>What stands for the beginning of a text, and how many bytes that is.</summary>
    private ReadOnlySpan<byte> Prefix(ReadOnlySpan<byte> text, out int length)
    {
        if (_userDefined is not null && _userDefined.LongestPrefix(text, out length) >= 0)
            return text[..length];
        ReadOnlySpan<byte> replacement = default;
        length = model.Map?.Longest(text, ref replacement) ?? 0;
        if (length > 0)
            return replacement;
        return Utf8Text.Decode(text, 0, out length) == Utf8Text.Invalid ? "\uFFFD"u8 : text[..length];
    }

    private void Append(ReadOnlySpan<byte> part, ArrayBufferWriter<byte> normalized)
    {
        if (model.EscapesSpaces)
            SpaceSymbol.WriteSpacesAs(part, normalized);
        else
            normalized.Write(part);
    }

    /// <summary>Takes what is behind a length away; the writer can only start again.</summary>
    private static void Cut(ArrayBufferWriter<byte> buffer, int length)
    {
        if (length == buffer.WrittenCount)
            return;
        buffer.ResetWrittenCount();
        buffer.Advance(length);
    }

    private static PieceTrie? UserDefined(SentencePieceModel model)
    {
        byte[]?[] symbols =
            [.. model.Pieces.Select((piece, id) => model.Types[id] == PieceType.UserDefined ? piece : null)];
        return symbols.Any(symbol => symbol is not null) ? new PieceTrie(symbols) : null;
    }
}
