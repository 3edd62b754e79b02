using System.Text;
using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Reads tokenizer.json: the combinations of its parts that are implemented; others are refused.</summary>
internal static class TokenizerJson
{
    /// <summary>The largest vocabulary, and the largest id.</summary>
    public const int MaxPieces = 1 << 20;

    private const int MaxMerges = 1 << 22;
    private const int MaxPieceBytes = 4096;

    /// <exception cref="RunException">With the place in the file.</exception>
    public static Tokenizer Load(string path) =>
        Read(InputFile.ReadAllBytes(path, ExitCode.ModelFile, TokenizerFile.MaxBytes), path);

    /// <param name="source">What errors name.</param>
    public static Tokenizer Read(byte[] utf8, string source)
    {
        using JsonDocument document = StrictJson.Parse(utf8, source, ExitCode.ModelFile);
        var root = new JsonPlace(document.RootElement, source, "");
        root.AllowKeys("version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
            "post_processor", "decoder", "model");
        JsonPlace model = root["model"];
        // Files of before 2021 leave the type out; merges tell a BPE.
        string type = model["type"].IsNull && !model["merges"].IsNull ? "BPE" : model["type"].Text;
        Tokenizer tokenizer = type switch
        {
            "BPE" => ByteLevel(root),
            _ => throw model["type"].Refuse($"is '{type}', expected BPE or Unigram"),
        };
        tokenizer.Sha256 = Tokenizer.Identity(utf8);
        return tokenizer;
    }

    private static ByteLevelTokenizer ByteLevel(JsonPlace root)
    {
        JsonPlace model = root["model"];
        SplitPattern pattern = Pattern(root["pre_tokenizer"]);
        if (!root["normalizer"].IsNull)
            throw root["normalizer"].Refuse("is set, expected null for byte-level BPE");
        if (root["decoder"]["type"].Text != "ByteLevel")
            throw root["decoder"].Refuse("is not ByteLevel, which this pre-tokenizer needs");
        CheckBpe(model);
        model["byte_fallback"].MustBeOff();
        var texts = ReadVocabulary(model["vocab"]);
        var pieces = new byte[texts.Length][];
        var ids = new Dictionary<string, int>(texts.Length, StringComparer.Ordinal);
        for (int id = 0; id < texts.Length; id++)
        {
            if (texts[id] is not string text)
                continue;
            ids[text] = id;
            pieces[id] = ByteAlphabet.ReadOrKeep(text);
        }
        try
        {
            var vocabulary = new ByteLevelVocabulary(new PieceTable(pieces), ReadMerges(model["merges"], ids), pattern)
            {
                WholeWordsFirst = model["ignore_merges"].Flag(missing: false),
            };
            return new ByteLevelTokenizer(vocabulary, ReadAddedTokens(root["added_tokens"]));
        }
        catch (ArgumentException e)
        {
            throw model["vocab"].Refuse($"lacks a byte or has a piece twice: {e.Message}");
        }
    }

    /// <summary>Refuses what no published model of these families uses.</summary>
    public static void CheckBpe(JsonPlace model)
    {
        model.AllowKeys("type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
            "byte_fallback", "ignore_merges", "vocab", "merges");
        model["dropout"].MustBeOff();
        model["continuing_subword_prefix"].MustBeOff();
        model["end_of_word_suffix"].MustBeOff();
    }

    private static SplitPattern Pattern(JsonPlace place)
    {
        if (place.IsNull)
            throw place.Refuse("is null: a BPE without ByteLevel needs byte_fallback");
        if (place["type"].Text == "ByteLevel")
        {
            CheckByteLevel(place);
            return place["use_regex"].Flag(missing: true)
                ? SplitPattern.Gpt2
                : throw place["use_regex"].Refuse("is false and no Split goes before it; expected a known pattern");
        }
        if (place["type"].Text != "Sequence")
            throw place["type"].Refuse($"is '{place["type"].Text}', expected ByteLevel or Sequence");
        var parts = place["pretokenizers"].Items().ToArray();
        if (parts.Length != 2 || parts[0]["type"].Text != "Split" || parts[1]["type"].Text != "ByteLevel")
            throw place["pretokenizers"].Refuse("is not one Split and then ByteLevel");
        CheckByteLevel(parts[1]);
        if (parts[1]["use_regex"].Flag(missing: true))
            throw parts[1]["use_regex"].Refuse("is true although a Split goes before it; expected false");
        JsonPlace split = parts[0];
        split.AllowKeys("type", "pattern", "behavior", "invert");
        if (split["behavior"].Text != "Isolated" || split["invert"].Flag(missing: false))
            throw split.Refuse("has another behavior than Isolated, or is inverted");
        JsonPlace regex = split["pattern"]["Regex"];
        return SplitPattern.Recognise(regex.Text) ?? throw regex.Refuse(
            $"is '{regex.Text}', which is none of the split patterns that are implemented " +
            "(GPT-2, cl100k and Llama 3, Qwen 2, o200k, Tekken)");
    }

    private static void CheckByteLevel(JsonPlace place)
    {
        place.AllowKeys("type", "add_prefix_space", "trim_offsets", "use_regex");
        if (place["add_prefix_space"].Flag(missing: true))
            throw place["add_prefix_space"].Refuse("is true, which is not supported");
    }

    /// <summary>Pieces by id, from an object of ids by piece.</summary>
    public static string?[] ReadVocabulary(JsonPlace place)
    {
        var found = new List<(string Text, int Id)>();
        int count = 0;
        foreach (var (text, value) in place.Entries())
        {
            int id = value.Integer(MaxPieces - 1);
            if (Encoding.UTF8.GetByteCount(text) > MaxPieceBytes)
                throw place.Refuse($"has a piece of more than {MaxPieceBytes} bytes, id {id}");
            found.Add((text, id));
            count = Math.Max(count, id + 1);
        }
        var pieces = new string?[count];
        foreach (var (text, id) in found)
        {
            if (pieces[id] is string other)
                throw place.Refuse($"gives the id {id} to '{other}' and to '{text}'");
            pieces[id] = text;
        }
        return pieces;
    }

    /// <summary>Merges in their order; each is a pair, or two pieces with a space between.</summary>
    public static MergeTable ReadMerges(JsonPlace place, Dictionary<string, int> ids)
    {
        var items = place.Items().ToList();
        if (items.Count > MaxMerges)
            throw place.Refuse($"has {items.Count} merges, at most {MaxMerges} are accepted");
        var merges = new MergeTable(items.Count);
        foreach (JsonPlace item in items)
        {
            var (left, right) = MergePair(item);
            if (!ids.TryGetValue(left, out int leftId) || !ids.TryGetValue(right, out int rightId)
                || !ids.TryGetValue(left + right, out int merged))
                throw item.Refuse($"merges '{left}' and '{right}', of which a part or the result is no piece");
            if (!merges.Add(leftId, rightId, merges.Count, merged))
                throw item.Refuse($"merges '{left}' and '{right}' for the second time");
        }
        return merges;
    }

    private static (string Left, string Right) MergePair(JsonPlace item)
    {
        if (item.Value.ValueKind == JsonValueKind.Array)
        {
            var pair = item.Items().ToArray();
            return pair.Length == 2 ? (pair[0].Text, pair[1].Text) : throw item.Refuse("has not two parts");
        }
        string text = item.Text;
        int space = text.IndexOf(' ');
        if (space <= 0 || space == text.Length - 1 || text.IndexOf(' ', space + 1) >= 0)
            throw item.Refuse($"is '{text}', expected two pieces with one space between");
        return (text[..space], text[(space + 1)..]);
    }

    public static List<AddedToken> ReadAddedTokens(JsonPlace place)
    {
        var tokens = new List<AddedToken>();
        if (place.IsNull)
            return tokens;
        var contents = new HashSet<string>(StringComparer.Ordinal);
        var ids = new HashSet<int>();
        foreach (JsonPlace item in place.Items())
        {
            item.AllowKeys("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special");
            var token = new AddedToken(item["id"].Integer(MaxPieces - 1), item["content"].Text,
                item["special"].Flag(missing: false), item["lstrip"].Flag(missing: false),
                item["rstrip"].Flag(missing: false), item["normalized"].Flag(missing: true));
            if (item["single_word"].Flag(missing: false))
                throw item["single_word"].Refuse("is true, which is not supported");
            if (token.Content.Length == 0 || Encoding.UTF8.GetByteCount(token.Content) > MaxPieceBytes)
                throw item["content"].Refuse($"is empty or longer than {MaxPieceBytes} bytes");
            if (!contents.Add(token.Content) || !ids.Add(token.Id))
                throw item.Refuse($"is a second token with the content '{token.Content}' or the id {token.Id}");
            tokens.Add(token);
        }
        return tokens;
    }
}
