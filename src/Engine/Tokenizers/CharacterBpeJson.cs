using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Reads a BPE over characters with byte fallback from tokenizer.json, as Llama 2 and Gemma have it.</summary>
internal static class CharacterBpeJson
{
    public static CharacterBpeTokenizer Read(JsonPlace root)
    {
        JsonPlace model = root["model"];
        TokenizerJson.CheckBpe(model);
        if (model["ignore_merges"].Flag(missing: false))
            throw model["ignore_merges"].Refuse("is true, which is not supported with byte_fallback");
        var texts = TokenizerJson.ReadVocabulary(model["vocab"]);
        var pieces = new byte[texts.Length][];
        var ids = new Dictionary<string, int>(texts.Length, StringComparer.Ordinal);
        for (int id = 0; id < texts.Length; id++)
        {
            if (texts[id] is not string text)
                continue;
            ids[text] = id;
            pieces[id] = Encoding.UTF8.GetBytes(text);
        }
        var table = new PieceTable(pieces);
        int? unknown = model["unk_token"].IsNull ? null : ids.TryGetValue(model["unk_token"].Text, out int found)
            ? found
            : throw model["unk_token"].Refuse("is not in the vocabulary");
        SpaceRule rule = ReadNormalizer(root["normalizer"]);
        rule = ReadPreTokenizer(root["pre_tokenizer"], rule);
        var bpe = new CharacterBpe(new CharacterSymbols(pieces), TokenizerJson.ReadMerges(model["merges"], ids))
        {
            Unknown = unknown,
            FusesUnknown = model["fuse_unk"].Flag(missing: false),
            BytePieces = TokenizerJson.BytePieces(table, model["byte_fallback"]),
        };
        return new CharacterBpeTokenizer(bpe, table, rule, ReadDecoder(root["decoder"]),
            TokenizerJson.ReadAddedTokens(root["added_tokens"], IdOf))
        {
            Unknown = unknown,
        };

        int? IdOf(string text) => ids.TryGetValue(text, out int id) ? id : null;
    }

    /// <summary>Null, Replace of spaces, or that after Prepend.</summary>
    private static SpaceRule ReadNormalizer(JsonPlace place)
    {
        if (place.IsNull)
            return SpaceRule.None;
        JsonPlace[] steps = place["type"].Text == "Sequence" ? [.. place["normalizers"].Items()] : [place];
        bool prepends = steps.Length == 2 && steps[0]["type"].Text == "Prepend";
        if (steps.Length != (prepends ? 2 : 1) || !IsReplace(steps[^1], " ", "\u2581")
            || (prepends && steps[0]["prepend"].Text != "\u2581"))
            throw place.Refuse("is not Replace of ' ' by U+2581, alone or after Prepend of U+2581");
        return prepends ? SpaceRule.PrependAlways : SpaceRule.Replace;
    }

    /// <summary>Null, or Metaspace without a split where nothing is normalized, or a split at spaces, which are gone.
    /// </summary>
    private static SpaceRule ReadPreTokenizer(JsonPlace place, SpaceRule rule)
    {
        if (place.IsNull)
            return rule;
        string type = place["type"].Text;
        if (type == "Split" && rule != SpaceRule.None && !place["pattern"]["String"].IsNull
            && place["pattern"]["String"].Text == " ")
            return rule;
        if (type != "Metaspace" || rule != SpaceRule.None)
            throw place.Refuse("is not null, nor Metaspace without a normalizer, nor a Split at ' ' behind Replace");
        place.AllowKeys("type", "replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split");
        if (place["replacement"].Text != "\u2581" || place["split"].Flag(missing: true))
            throw place.Refuse("has another replacement than U+2581, or splits");
        return place["prepend_scheme"].Text switch
        {
            "always" => SpaceRule.PrependUnlessThere,
            "first" => SpaceRule.PrependFirst,
            "never" => SpaceRule.Replace,
            var other => throw place["prepend_scheme"].Refuse($"is '{other}', expected always, first or never"),
        };
    }

    /// <summary>Replace, ByteFallback, Fuse, and perhaps Strip of one space.</summary>
    /// <returns>True if one space at the start goes.</returns>
    private static bool ReadDecoder(JsonPlace place)
    {
        var steps = place["decoders"].Items().ToArray();
        if (steps.Length is not (3 or 4) || !IsReplace(steps[0], "\u2581", " ")
            || steps[1]["type"].Text != "ByteFallback" || steps[2]["type"].Text != "Fuse")
            throw place.Refuse("is not Replace of U+2581, ByteFallback, Fuse");
        if (steps.Length == 3)
            return false;
        JsonPlace strip = steps[3];
        if (strip["type"].Text != "Strip" || strip["content"].Text != " " || strip["start"].Integer(1) != 1
            || strip["stop"].Integer(1) != 0)
            throw strip.Refuse("is not Strip of one space at the start");
        return true;
    }

    private static bool IsReplace(JsonPlace place, string from, string to) =>
        place["type"].Text == "Replace" && !place["pattern"]["String"].IsNull
        && place["pattern"]["String"].Text == from && place["content"].Text == to;
}
