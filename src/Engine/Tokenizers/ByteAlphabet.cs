using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>The printable characters that stand for bytes in the files of byte-level vocabularies.</summary>
/// <remarks>
/// Printable Latin-1 characters stand for themselves, the other 68 bytes in order for U+0100 and on: a space is written
/// U+0120. Radford et al. 2019, the published encoder.
/// </remarks>
internal static class ByteAlphabet
{
    private static readonly char[] CharacterOf = Characters();
    private static readonly short[] ByteOf = Bytes();

    public static string Write(ReadOnlySpan<byte> bytes)
    {
        var text = new char[bytes.Length];
        for (int k = 0; k < text.Length; k++)
            text[k] = CharacterOf[bytes[k]];
        return new string(text);
    }

    /// <summary>The bytes that a piece stands for; null if it has a character that stands for none.</summary>
    public static byte[]? Read(string piece)
    {
        var bytes = new byte[piece.Length];
        for (int k = 0; k < bytes.Length; k++)
        {
            if (piece[k] >= ByteOf.Length || ByteOf[piece[k]] < 0)
                return null;
            bytes[k] = (byte)ByteOf[piece[k]];
        }
        return bytes;
    }

    /// <summary>The bytes of a piece; one that is not in the alphabet stands for its own characters.</summary>
    public static byte[] ReadOrKeep(string piece) => Read(piece) ?? Encoding.UTF8.GetBytes(piece);

    private static char[] Characters()
    {
        var characters = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++)
            characters[b] = b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)b : (char)next++;
        return characters;
    }

    private static short[] Bytes()
    {
        var bytes = new short[512];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++)
            bytes[CharacterOf[b]] = (short)b;
        return bytes;
    }
}
