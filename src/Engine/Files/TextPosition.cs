using System.Buffers;
using System.Text;

namespace FastCpt.Engine.Files;

/// <summary>Where in a text an error is: lines and columns count from 1, columns in bytes.</summary>
internal static class TextPosition
{
    public static (int Line, int Column) LineAndColumn(ReadOnlySpan<byte> utf8, int offset)
    {
        ReadOnlySpan<byte> before = utf8[..Math.Min(offset, utf8.Length)];
        return (before.Count((byte)'\n') + 1, before.Length - before.LastIndexOf((byte)'\n'));
    }

    /// <summary>The offset of a line and a byte in it, both from 0; the end of the text if it is shorter.</summary>
    public static int Offset(ReadOnlySpan<byte> utf8, long line, long byteInLine)
    {
        int start = 0;
        for (; line > 0; line--)
        {
            int length = utf8[start..].IndexOf((byte)'\n');
            if (length < 0)
                return utf8.Length;
            start += length + 1;
        }
        return (int)Math.Min(utf8.Length, start + byteInLine);
    }

    /// <summary>The offset of the first byte that is not part of valid UTF-8; the length if all are.</summary>
    public static int FirstInvalid(ReadOnlySpan<byte> utf8)
    {
        int offset = 0;
        while (offset < utf8.Length
            && Rune.DecodeFromUtf8(utf8[offset..], out _, out int count) == OperationStatus.Done)
            offset += count;
        return offset;
    }
}
