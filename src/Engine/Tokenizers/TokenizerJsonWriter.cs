using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Writes tokenizer.json for a byte-level BPE, as Hugging Face's tokenizers library reads it.</summary>
internal static class TokenizerJsonWriter
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <param name="special">Special tokens; their ids are their places in the list.</param>
    /// <param name="pieces">The other pieces, in order of their ids.</param>
    /// <param name="merges">In order of preference.</param>
    public static byte[] Tokenizer(IReadOnlyList<string> special, IReadOnlyList<byte[]> pieces,
        IReadOnlyList<(byte[] Left, byte[] Right)> merges, SplitPattern pattern)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            json.WriteNull("truncation");
            json.WriteNull("padding");
            WriteAddedTokens(json, special);
            json.WriteNull("normalizer");
            WritePreTokenizer(json, pattern);
            json.WriteNull("post_processor");
            json.WritePropertyName("decoder");
            WriteByteLevel(json);
            WriteModel(json, special, pieces, merges);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>tokenizer_config.json: which special token has which role.</summary>
    /// <param name="roles">Keys such as eos_token, and the tokens.</param>
    public static byte[] Config(IEnumerable<(string Role, string Token)> roles)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteBoolean("add_prefix_space", false);
            foreach (var (role, token) in roles)
                json.WriteString(role, token);
            json.WriteBoolean("clean_up_tokenization_spaces", false);
            json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteAddedTokens(Utf8JsonWriter json, IReadOnlyList<string> special)
    {
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < special.Count; id++)
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", special[id]);
            json.WriteBoolean("single_word", false);
            json.WriteBoolean("lstrip", false);
            json.WriteBoolean("rstrip", false);
            json.WriteBoolean("normalized", false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WritePreTokenizer(Utf8JsonWriter json, SplitPattern pattern)
    {
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", pattern.Text);
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
        json.WriteEndObject();
        WriteByteLevel(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteByteLevel(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", false);
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, IReadOnlyList<string> special, IReadOnlyList<byte[]> pieces,
        IReadOnlyList<(byte[] Left, byte[] Right)> merges)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", false);
        json.WriteStartObject("vocab");
        for (int id = 0; id < special.Count; id++)
            json.WriteNumber(special[id], id);
        for (int k = 0; k < pieces.Count; k++)
            json.WriteNumber(ByteAlphabet.Write(pieces[k]), special.Count + k);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var (left, right) in merges)
            json.WriteStringValue($"{ByteAlphabet.Write(left)} {ByteAlphabet.Write(right)}");
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
