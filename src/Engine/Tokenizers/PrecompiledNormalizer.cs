using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Applies a precompiled character map by the rule of Hugging Face's library, not SentencePiece's.</summary>
/// <remarks>
/// A grapheme cluster below 6 bytes is looked up whole first; in a longer one, or when nothing is found, every
/// character alone. Of several keys that a looked-up part begins with, the shortest counts, and the whole part is
/// replaced by its string. So a mark after a character that has a replacement of its own is lost.
/// </remarks>
internal sealed class PrecompiledNormalizer(CharacterMap map)
{
    private const int MaxWholeBytes = 5;

    /// <summary>Appends the normalized text; bytes that are not UTF-8 count as U+FFFD.</summary>
    public void Normalize(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> normalized)
    {
        if (!Utf8.IsValid(text))
            text = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text));
        for (int at = 0; at < text.Length;)
        {
            int end = Graphemes.End(text, at);
            ReadOnlySpan<byte> replacement = default;
            if (end - at <= MaxWholeBytes && map.Shortest(text[at..end], ref replacement) > 0)
            {
                normalized.Write(replacement);
                at = end;
                continue;
            }
            while (at < end)
            {
                Utf8Text.Decode(text, at, out int length);
                var character = text.Slice(at, length);
                normalized.Write(map.Shortest(character, ref replacement) > 0 ? replacement : character);
                at += length;
            }
        }
    }
}
