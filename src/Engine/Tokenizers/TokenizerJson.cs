using System.Text;
using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Reads tokenizer.json: the combinations of its parts that are implemented; others are refused.</summary>
/// <remarks>
/// A BPE with byte fallback is one over characters (Llama 2, Gemma), another must be over bytes (GPT-2, Llama 3, Qwen).
/// </remarks>
internal static class TokenizerJson
{
    /// <summary>The largest vocabulary, and the largest id.</summary>
    public const int MaxPieces = 1 << 20;

    public const int MaxPieceBytes = 4096;

    private const int MaxMerges = 1 << 22;

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
            "BPE" when model["byte_fallback"].Flag(missing: false) => CharacterBpeJson.Read(root),
            "BPE" => ByteLevelJson.Read(root),
            "Unigram" => UnigramJson.Read(root),
            _ => throw model["type"].Refuse($"is '{type}', expected BPE or Unigram"),
        };
        tokenizer.Sha256 = Tokenizer.Identity(utf8);
        return tokenizer;
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

    /// <param name="idOf">The vocabulary: the library gives a token that is in it the id from there.</param>
    public static List<AddedToken> ReadAddedTokens(JsonPlace place, Func<string, int?> idOf)
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
            if (idOf(token.Content) is int known && known != token.Id)
                throw item.Refuse($"gives '{token.Content}' the id {token.Id}, the vocabulary says {known}");
            tokens.Add(token);
        }
        return tokens;
    }

    /// <summary>Ids of the pieces &lt;0x00&gt; to &lt;0xFF&gt;.</summary>
    /// <param name="place">The switch that asks for them.</param>
    public static int[] BytePieces(PieceTable pieces, JsonPlace place)
    {
        var ids = new int[256];
        for (int b = 0; b < 256; b++)
        {
            ids[b] = pieces.Find(Encoding.ASCII.GetBytes($"<0x{b:X2}>"));
            if (ids[b] < 0)
                throw place.Refuse($"is true, but there is no piece <0x{b:X2}>");
        }
        return ids;
    }
}
