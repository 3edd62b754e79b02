namespace FastCpt.Engine.Models;

/// <summary>Reads config.json of XLM-R and RoBERTa.</summary>
internal static class EncoderConfigReader
{
    // What the published library assumes where a key is left out.
    private const int Vocabulary = 30_522, RobertaVocabulary = 50_265, Width = 768, Layers = 12, Heads = 12;
    private const int InnerWidth = 3072, MaxPositions = 512, TokenTypes = 2, MostTokenTypes = 1 << 10;
    private const double Dropout = 0.1, NormEpsilon = 1e-12, MostDropout = 0.999;

    /// <param name="ignored">Receives the names of unknown keys that are passed over.</param>
    /// <exception cref="Files.RunException">Exit code 4, naming the key and what was found.</exception>
    public static EncoderConfig Read(ConfigObject config, EncoderFamily family, List<string> ignored)
    {
        int vocabulary = config.Whole(
            "vocab_size", 1, ModelConfigReader.MostVocabulary,
            family == EncoderFamily.Roberta ? RobertaVocabulary : Vocabulary);
        int width = config.Whole("hidden_size", 1, ModelConfigReader.MostWidth, Width);
        int heads = config.Whole("num_attention_heads", 1, ModelConfigReader.MostHeads, Heads);
        if (width % heads != 0)
            throw config.Refuse($"hidden_size is {width} and num_attention_heads {heads}; the second must divide it.");
        bool hasHead = config.Texts("architectures")?.Any(
            name => name.EndsWith("ForMaskedLM", StringComparison.Ordinal)) ?? false;
        RefuseOthers(config, hasHead);
        var model = new EncoderConfig
        {
            Family = family,
            VocabularySize = vocabulary,
            Width = width,
            Layers = config.Whole("num_hidden_layers", 1, ModelConfigReader.MostLayers, Layers),
            Heads = heads,
            InnerWidth = config.Whole("intermediate_size", 1, ModelConfigReader.MostInnerWidth, InnerWidth),
            MaxPositions = config.Whole(
                "max_position_embeddings", 1, ModelConfigReader.MostPositions, MaxPositions),
            TokenTypes = config.Whole("type_vocab_size", 1, MostTokenTypes, TokenTypes),
            NormEpsilon = (float)config.Number("layer_norm_eps", 1e-12, 0.1, NormEpsilon),
            HiddenDropout = (float)config.Number("hidden_dropout_prob", 0, MostDropout, Dropout),
            AttentionDropout = (float)config.Number("attention_probs_dropout_prob", 0, MostDropout, Dropout),
            ClassifierDropout = (float?)config.NumberOrNull("classifier_dropout", 0, MostDropout),
            HasMaskedHead = hasHead,
            InitializerRange = (float)config.Number("initializer_range", 0, 10, ModelDefaults.InitializerRange),
            BosToken = ModelConfigReader.Token(config, null, "bos_token_id", vocabulary, 0)?.FirstOrDefault(),
            EosTokens = ModelConfigReader.Token(config, null, "eos_token_id", vocabulary, 2) ?? [],
            PadToken = ModelConfigReader.Token(
                config, null, "pad_token_id", vocabulary, EncoderConfig.DefaultPadding)?.FirstOrDefault(),
        };
        if (model.LongestSegment < 1)
            throw config.Refuse(
                $"max_position_embeddings is {model.MaxPositions}, but the first token has position "
                + $"{model.FirstPosition}, one after pad_token_id.");
        UnreadKeys.Settle(config, ignored);
        return model;
    }

    /// <summary>Refuses what the library computes in another way.</summary>
    private static void RefuseOthers(ConfigObject config, bool hasHead)
    {
        if (config.Text("hidden_act") is { } activation && activation != "gelu")
            throw config.Refuse($"hidden_act is '{activation}', but this family is computed with gelu.");
        if (config.Text("position_embedding_type") is { } positions && positions != "absolute")
            throw config.Refuse($"position_embedding_type is '{positions}'; absolute is supported.");
        if (config.FlagOrNull("is_decoder") == true)
            throw config.Refuse("is_decoder is true; encoders are supported.");
        if (config.FlagOrNull("tie_word_embeddings") == false && hasHead)
            throw config.Refuse("tie_word_embeddings is false; the masked head is supported with the word embeddings.");
    }
}
