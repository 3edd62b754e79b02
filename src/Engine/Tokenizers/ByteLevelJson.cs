namespace FastCpt.Engine.Tokenizers;

/// <summary>Reads a byte-level BPE from tokenizer.json.</summary>
internal static class ByteLevelJson
{
    public static ByteLevelTokenizer Read(JsonPlace root)
    {
        JsonPlace model = root["model"];
        SplitPattern pattern = Pattern(root["pre_tokenizer"]);
        JsonPlace normalizer = root["normalizer"];
        if (!normalizer.IsNull && normalizer["type"].Text != "NFC")
            throw normalizer.Refuse($"is {normalizer["type"].Text}, expected null or NFC for byte-level BPE");
        if (root["decoder"]["type"].Text != "ByteLevel")
            throw root["decoder"].Refuse("is not ByteLevel, which this pre-tokenizer needs");
        TokenizerJson.CheckBpe(model);
        var texts = TokenizerJson.ReadVocabulary(model["vocab"]);
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
            MergeTable merges = TokenizerJson.ReadMerges(model["merges"], ids);
            var vocabulary = new ByteLevelVocabulary(new PieceTable(pieces), merges, pattern)
            {
                WholeWordsFirst = model["ignore_merges"].Flag(missing: false),
                Composes = !normalizer.IsNull,
            };
            return new ByteLevelTokenizer(vocabulary, TokenizerJson.ReadAddedTokens(root["added_tokens"], IdOf));
        }
        catch (ArgumentException e)
        {
            throw model["vocab"].Refuse($"lacks a byte or has a piece twice: {e.Message}");
        }

        int? IdOf(string text) => ids.TryGetValue(text, out int id) ? id : null;
    }

    private static SplitPattern Pattern(JsonPlace place)
    {
        if (place.IsNull)
            throw place.Refuse("is null, expected ByteLevel, because the model has no byte_fallback");
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
}
