using System.Runtime.CompilerServices;
using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Steps through UTF-8 bytes; a byte that starts no valid sequence is a character of its own.</summary>
internal static class Utf8Text
{
    /// <summary>The code point of a byte that is not UTF-8.</summary>
    public const int Invalid = -1;

    private static readonly byte[] AsciiClasses =
        [.. Enumerable.Range(0, 128).Select(c => UnicodeTable.Classes[c])];

    /// <summary>The code point at a position, or <see cref="Invalid"/>, and how many bytes it takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Decode(ReadOnlySpan<byte> text, int at, out int length)
    {
        byte first = text[at];
        if (first < 128)
        {
            length = 1;
            return first;
        }
        return DecodeLong(text[at..], out length);
    }

    /// <summary>The class of the character at a position and how many bytes it takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharacterClass ClassAt(ReadOnlySpan<byte> text, int at, out int length)
    {
        byte first = text[at];
        if (first < 128)
        {
            length = 1;
            return (CharacterClass)AsciiClasses[first];
        }
        int codePoint = DecodeLong(text[at..], out length);
        return codePoint < 0 ? CharacterClass.Other : (CharacterClass)UnicodeTable.Classes[codePoint];
    }

    private static int DecodeLong(ReadOnlySpan<byte> text, out int length)
    {
        byte first = text[0];
        if (first < 0xE0)
        {
            if (first >= 0xC2 && text.Length > 1 && (text[1] & 0xC0) == 0x80)
            {
                length = 2;
                return ((first & 0x1F) << 6) | (text[1] & 0x3F);
            }
        }
        else if (first < 0xF0)
        {
            if (text.Length > 2 && (text[1] & 0xC0) == 0x80 && (text[2] & 0xC0) == 0x80)
            {
                length = 3;
                int codePoint = ((first & 0x0F) << 12) | ((text[1] & 0x3F) << 6) | (text[2] & 0x3F);
                if (codePoint >= 0x800 && (codePoint & 0xF800) != 0xD800)
                    return codePoint;
            }
        }
        else if (Rune.DecodeFromUtf8(text, out Rune rune, out length) == System.Buffers.OperationStatus.Done)
        {
            return rune.Value;
        }
        length = 1;
        return Invalid;
    }
}
