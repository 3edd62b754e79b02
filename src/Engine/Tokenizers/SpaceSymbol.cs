using System.Buffers;

namespace FastCpt.Engine.Tokenizers;

/// <summary>U+2581, which stands for a space in pieces.</summary>
internal static class SpaceSymbol
{
    public static ReadOnlySpan<byte> Bytes => "\u2581"u8;

    /// <summary>Writes a piece with spaces in the places of U+2581.</summary>
    public static void WriteAsSpaces(ReadOnlySpan<byte> piece, IBufferWriter<byte> utf8)
    {
        while (piece.IndexOf(Bytes) is >= 0 and var at)
        {
            utf8.Write(piece[..at]);
            utf8.Write(" "u8);
            piece = piece[(at + Bytes.Length)..];
        }
        utf8.Write(piece);
    }

    /// <summary>Writes a piece without any U+2581.</summary>
    public static void WriteWithout(ReadOnlySpan<byte> piece, IBufferWriter<byte> utf8)
    {
        while (piece.IndexOf(Bytes) is >= 0 and var at)
        {
            utf8.Write(piece[..at]);
            piece = piece[(at + Bytes.Length)..];
        }
        utf8.Write(piece);
    }

    /// <summary>Appends text with U+2581 in the places of spaces.</summary>
    public static void WriteSpacesAs(ReadOnlySpan<byte> text, IBufferWriter<byte> written)
    {
        while (text.IndexOf((byte)' ') is >= 0 and var at)
        {
            written.Write(text[..at]);
            written.Write(Bytes);
            text = text[(at + 1)..];
        }
        written.Write(text);
    }
}
