using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Models;

/// <summary>Reads config.json of Hugging Face folders: decoders and encoders; old and new spellings.</summary>
/// <remarks>
/// Every number has a range, numbers that depend on one another are compared, and what the engine cannot compute is
/// refused rather than left out. Nothing in the file can name code: auto_map is ignored.
/// </remarks>
public static class ModelConfigReader
{
    public const string FileName = "config.json";

    internal const string FullAttention = "full_attention", SlidingAttention = "sliding_attention";
    internal const int MostLayers = 512, MostHeads = 1024, MostHeadSize = 1024, MostPositions = 1 << 24;
    internal const int MostVocabulary = 1 << 20, MostWidth = 1 << 16, MostInnerWidth = 1 << 18;

    /// <param name="path">The file, or the folder that it lies in.</param>
    /// <exception cref="RunException">Exit code 4, naming the key and what was found.</exception>
    public static ModelConfigFile Read(string path)
    {
        string file = Directory.Exists(path) ? Path.Combine(path, FileName) : path;
        return Parse(InputFile.ReadAllBytes(file, ExitCode.ModelFile, StrictJson.MaxBytes), file);
    }

    /// <param name="source">What errors name.</param>
    /// <inheritdoc cref="Read"/>
    public static ModelConfigFile Parse(ReadOnlyMemory<byte> utf8, string source)
    {
        using JsonDocument document = StrictJson.Parse(utf8, source, ExitCode.ModelFile);
        var config = new ConfigObject(document.RootElement, source);
        var ignored = new List<string>();
        string kind = config.Text("model_type") ?? throw config.Refuse(
            "model_type is missing, so the kind of model is unknown. Is this the config.json of a model?");
        ModelConfig model = kind switch
        {
            "llama" => Decoder(config, null, Architecture.Llama, ignored),
            "qwen2" => Decoder(config, null, Architecture.Qwen2, ignored),
            "qwen3" => Decoder(config, null, Architecture.Qwen3, ignored),
            "gemma3_text" => Decoder(config, null, Architecture.Gemma3, ignored),
            "gemma3" => Multimodal(config, ignored),
            "xlm-roberta" => EncoderConfigReader.Read(config, EncoderFamily.XlmRoberta, ignored),
            "roberta" => EncoderConfigReader.Read(config, EncoderFamily.Roberta, ignored),
            _ => throw config.Refuse(
                $"model_type is '{kind}'; llama, qwen2, qwen3, gemma3_text, gemma3 (its text part), xlm-roberta and "
                + "roberta are supported."),
        };
        return new ModelConfigFile(model, kind == "gemma3", ignored);
    }

    private static DecoderConfig Multimodal(ConfigObject outer, List<string> ignored)
    {
        ConfigObject text = outer.Object("text_config")
            ?? throw outer.Refuse("text_config is missing, so the shape of the text part is unknown.");
        string kind = text.Text("model_type") ?? "gemma3_text";
        if (kind != "gemma3_text")
            throw text.Refuse($"model_type is '{kind}', but the text part of gemma3 is gemma3_text.");
        return Decoder(text, outer, Architecture.Gemma3, ignored);
    }

    /// <param name="outer">The whole file where the decoder's part is nested in it; null elsewhere.</param>
    private static DecoderConfig Decoder(
        ConfigObject config, ConfigObject? outer, Architecture architecture, List<string> ignored)
    {
        ModelDefaults defaults = ModelDefaults.Of(architecture);
        bool gemma = architecture == Architecture.Gemma3;
        int vocabulary = config.Whole("vocab_size", 1, MostVocabulary, defaults.Vocabulary);
        int layers = config.Whole("num_hidden_layers", 1, MostLayers, defaults.Layers);
        int positions = config.Whole("max_position_embeddings", 1, MostPositions, defaults.MaxPositions);
        var (width, heads, keyHeads, headSize) = Heads(config, defaults);
        bool[] localLayers = LocalLayers(config, layers, gemma);
        var (rope, localRope) = Rotations(config, gemma, defaults);
        bool attentionBias = architecture != Architecture.Qwen2 && (config.FlagOrNull("attention_bias") ?? false);
        RefuseOtherActivation(config, gemma);
        var model = new DecoderConfig
        {
            Architecture = architecture,
            VocabularySize = vocabulary,
            Width = width,
            Layers = layers,
            Heads = heads,
            KeyHeads = keyHeads,
            HeadSize = headSize,
            InnerWidth = config.Whole("intermediate_size", 1, MostInnerWidth, defaults.InnerWidth),
            MaxPositions = positions,
            NormEpsilon = (float)config.Number("rms_norm_eps", 1e-12, 0.1, ModelDefaults.NormEpsilon),
            AttentionScale = AttentionScale(config, gemma, headSize),
            QueryKeyValueBias = architecture == Architecture.Qwen2 || attentionBias,
            OutputBias = attentionBias,
            MlpBias = architecture == Architecture.Llama && (config.FlagOrNull("mlp_bias") ?? false),
            QueryKeyNorm = architecture is Architecture.Qwen3 or Architecture.Gemma3,
            TiedHead = TiedHead(config, outer) ?? defaults.TiedHead,
            Rope = rope,
            LocalRope = localRope,
            Window = Window(config, architecture, localLayers),
            LocalLayers = localLayers,
            InitializerRange = (float)config.Number("initializer_range", 0, 10, ModelDefaults.InitializerRange),
            BosToken = Token(config, outer, "bos_token_id", vocabulary, defaults.Bos)?.FirstOrDefault(),
            EosTokens = Token(config, outer, "eos_token_id", vocabulary, defaults.Eos) ?? [],
            PadToken = Token(config, outer, "pad_token_id", vocabulary, defaults.Pad)?.FirstOrDefault(),
        };
        UnreadKeys.Settle(config, ignored);
        if (outer is null)
            return model;
        outer.Skip("initializer_range");
        UnreadKeys.Settle(outer, ignored);
        return model;
    }

    private static (int Width, int Heads, int KeyHeads, int HeadSize) Heads(
        ConfigObject config, ModelDefaults defaults)
    {
        int width = config.Whole("hidden_size", 1, MostWidth, defaults.Width);
        int heads = config.Whole("num_attention_heads", 1, MostHeads, defaults.Heads);
        int keyHeads = config.WholeOrNull("num_key_value_heads", 1, MostHeads)
            ?? (config.IsNull("num_key_value_heads") ? heads : defaults.KeyHeads ?? heads);
        if (keyHeads > heads || heads % keyHeads != 0)
            throw config.Refuse(
                $"num_attention_heads is {heads} and num_key_value_heads {keyHeads}; the second must divide it.");
        int? given = config.WholeOrNull("head_dim", 1, MostHeadSize);
        int? assumed = config.IsNull("head_dim") ? null : defaults.HeadSize;
        if ((given ?? assumed) is null && width % heads != 0)
            throw config.Refuse(
                $"hidden_size is {width} and num_attention_heads {heads}; without head_dim the second must divide it.");
        int headSize = given ?? assumed ?? width / heads;
        if (headSize % 2 != 0 || headSize > MostHeadSize)
            throw config.Refuse(
                $"heads have {headSize} elements (head_dim, or hidden_size {width} over num_attention_heads {heads}); "
                + $"rotation needs an even number up to {MostHeadSize}.");
        return (width, heads, keyHeads, headSize);
    }

    /// <summary>layer_types where given; else Gemma's pattern, in which every n-th layer sees everything.</summary>
    private static bool[] LocalLayers(ConfigObject config, int layers, bool gemma)
    {
        if (!gemma && config.FlagOrNull("use_sliding_window") == true)
            throw config.Refuse("use_sliding_window is true; windowed layers are supported for Gemma only.");
        int pattern = gemma
            ? config.Whole("sliding_window_pattern", 1, MostLayers, ModelDefaults.GemmaPattern)
            : 1;
        int? older = gemma ? config.WholeOrNull("_sliding_window_pattern", 1, MostLayers) : null;
        IReadOnlyList<string>? types = config.Texts("layer_types");
        if (types is null)
        {
            if (older is not null && older != pattern)
                throw config.Refuse(
                    $"_sliding_window_pattern is {older}, but sliding_window_pattern is {pattern}; add layer_types.");
            return [.. Enumerable.Range(0, layers).Select(layer => (layer + 1) % pattern != 0)];
        }

        if (types.Count != layers)
            throw config.Refuse($"layer_types names {types.Count} layers, but num_hidden_layers is {layers}.");
        foreach (string type in types)
            if (type != FullAttention && !(gemma && type == SlidingAttention))
                throw config.Refuse(
                    $"layer_types names '{type}'; {FullAttention} is supported, and {SlidingAttention} for Gemma.");
        return [.. types.Select(type => type == SlidingAttention)];
    }

    private static int Window(ConfigObject config, Architecture architecture, bool[] localLayers)
    {
        // Llama knows no such key: left unread, it is refused unless null.
        int? given = architecture == Architecture.Llama ? null : config.WholeOrNull("sliding_window", 1, MostPositions);
        if (!localLayers.Contains(true))
            return 0;
        if (config.IsNull("sliding_window"))
            throw config.Refuse($"sliding_window is null, but there are layers of {SlidingAttention}.");
        return given ?? ModelDefaults.GemmaWindow;
    }

    private static (RopeConfig Global, RopeConfig Local) Rotations(
        ConfigObject config, bool gemma, ModelDefaults defaults)
    {
        if (config.NumberOrNull("partial_rotary_factor", 0, 1) is { } part && part != 1)
            throw config.Refuse($"partial_rotary_factor is {part}; only whole heads are rotated here.");
        if (gemma)
            return RopeConfigReader.ReadBoth(config, defaults.Theta, defaults.LocalTheta);
        RopeConfig rope = RopeConfigReader.Read(config, defaults.Theta);
        return (rope, rope);
    }

    private static float AttentionScale(ConfigObject config, bool gemma, int headSize) => (float)(1 / Math.Sqrt(gemma
        ? config.Number("query_pre_attn_scalar", 1e-6, 1e9, ModelDefaults.GemmaQueryScalar)
        : headSize));

    private static void RefuseOtherActivation(ConfigObject config, bool gemma)
    {
        string[] expected = gemma ? ["gelu_pytorch_tanh"] : ["silu", "swish"];
        foreach (string key in gemma ? (string[])["hidden_activation", "hidden_act"] : ["hidden_act"])
            if (config.Text(key) is { } found && !expected.Contains(found))
                throw config.Refuse($"{key} is '{found}', but this family is computed with {expected[0]}.");
    }

    private static bool? TiedHead(ConfigObject config, ConfigObject? outer)
    {
        const string Key = "tie_word_embeddings";
        bool? own = config.FlagOrNull(Key), outside = outer?.FlagOrNull(Key);
        if (own is not null && outside is not null && own != outside)
            throw config.Refuse($"{Key} is {own}, but outside text_config it is {outside}.");
        return own ?? outside;
    }

    /// <summary>Special ids; −1 and null mean that there is none.</summary>
    internal static IReadOnlyList<int>? Token(
        ConfigObject config, ConfigObject? outer, string key, int vocabulary, int? assumed)
    {
        IReadOnlyList<int>? own = config.Wholes(key, -1, int.MaxValue), outside = outer?.Wholes(key, -1, int.MaxValue);
        IReadOnlyList<int>? ids = own ?? outside;
        if (ids is null)
            return assumed < vocabulary && !config.IsNull(key) ? [assumed.Value] : null;
        foreach (int id in ids)
            if (id >= vocabulary)
                throw config.Refuse($"{key} is {id}, but vocab_size is {vocabulary}.");
        return ids.Contains(-1) || ids.Count == 0 ? null : ids;
    }
}
