using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Reads a Unigram model from tokenizer.json, converted from SentencePiece models such as XLM-R's.</summary>
internal static class UnigramJson
{
    private const string Spaces = " {2,}";

    public static UnigramTokenizer Read(JsonPlace root)
    {
        JsonPlace model = root["model"];
        model.AllowKeys("type", "unk_id", "vocab", "byte_fallback");
        var pieces = new List<byte[]>();
        var scores = new List<double>();
        foreach (JsonPlace item in model["vocab"].Items())
        {
            var pair = item.Items().ToArray();
            if (pair.Length != 2 || pieces.Count == TokenizerJson.MaxPieces)
                throw item.Refuse($"is no piece with a score, or one of more than {TokenizerJson.MaxPieces} pieces");
            pieces.Add(Encoding.UTF8.GetBytes(pair[0].Text));
            scores.Add(pair[1].Number);
            if (pieces[^1].Length is 0 or > TokenizerJson.MaxPieceBytes)
                throw item.Refuse($"has a piece that is empty or longer than {TokenizerJson.MaxPieceBytes} bytes");
        }
        PieceTable table;
        try
        {
            table = new PieceTable(pieces);
        }
        catch (ArgumentException e)
        {
            throw model["vocab"].Refuse($"has the same piece twice, ids {e.Message}");
        }
        int unknown = model["unk_id"].Integer(pieces.Count - 1);
        var (map, squeezed) = ReadNormalizer(root["normalizer"]);
        bool splits = ReadPreTokenizer(root["pre_tokenizer"]);
        CheckMetaspace(root["decoder"]);
        int[] bytes = model["byte_fallback"].Flag(missing: false)
            ? TokenizerJson.BytePieces(table, model["byte_fallback"])
            : [];
        var unigram = new Unigram(pieces, [.. scores], scores.Min(), unknown, singlePrecision: false);
        var steps = new UnigramSteps(map is null ? null : new PrecompiledNormalizer(map), squeezed, splits, bytes);
        return new UnigramTokenizer(
            unigram, table, unknown, steps, TokenizerJson.ReadAddedTokens(root["added_tokens"], IdOf));

        int? IdOf(string text) => table.Find(Encoding.UTF8.GetBytes(text)) is >= 0 and var id ? id : null;
    }

    /// <summary>Precompiled, and perhaps the rule that writes several spaces as something else.</summary>
    private static (CharacterMap? Map, byte[]? Squeezed) ReadNormalizer(JsonPlace place)
    {
        if (place.IsNull)
            return (null, null);
        JsonPlace[] steps = place["type"].Text == "Sequence" ? [.. place["normalizers"].Items()] : [place];
        if (steps.Length is 0 or > 2 || steps[0]["type"].Text != "Precompiled")
            throw place.Refuse("is not Precompiled, alone or before one Replace");
        byte[]? squeezed = null;
        if (steps.Length == 2)
        {
            JsonPlace replace = steps[1];
            if (replace["type"].Text != "Replace" || replace["pattern"]["Regex"].Text != Spaces)
                throw replace.Refuse($"is not Replace of '{Spaces}'");
            squeezed = Encoding.UTF8.GetBytes(replace["content"].Text);
        }
        JsonPlace blob = steps[0]["precompiled_charsmap"];
        if (blob.IsNull)
            return (null, squeezed);
        if (!blob.Value.TryGetBytesFromBase64(out byte[]? bytes))
            throw blob.Refuse("is not base64");
        return (bytes.Length == 0 ? null : new CharacterMap(bytes, blob.Name), squeezed);
    }

    /// <summary>Metaspace, perhaps after WhitespaceSplit.</summary>
    /// <returns>True if white space other than the space splits, too.</returns>
    private static bool ReadPreTokenizer(JsonPlace place)
    {
        JsonPlace[] steps = place["type"].Text == "Sequence" ? [.. place["pretokenizers"].Items()] : [place];
        bool splits = steps.Length == 2 && steps[0]["type"].Text == "WhitespaceSplit";
        if (!splits && steps.Length != 1)
            throw place.Refuse("is not Metaspace, alone or after WhitespaceSplit");
        CheckMetaspace(steps[^1]);
        if (!steps[^1]["split"].Flag(missing: true))
            throw steps[^1]["split"].Refuse("is false, which is not supported with Unigram");
        return splits;
    }

    private static void CheckMetaspace(JsonPlace place)
    {
        if (place["type"].Text != "Metaspace")
            throw place["type"].Refuse($"is '{place["type"].Text}', expected Metaspace");
        place.AllowKeys("type", "replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split");
        if (place["replacement"].Text != "\u2581")
            throw place["replacement"].Refuse("is not U+2581");
        bool always = place["prepend_scheme"].IsNull
            ? place["add_prefix_space"].Flag(missing: true)
            : place["prepend_scheme"].Text == "always";
        if (!always)
            throw place.Refuse("does not put U+2581 before every word, which is not supported with Unigram");
    }
}
