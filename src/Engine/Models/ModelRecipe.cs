using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Models;

/// <summary>The config of a fresh model from the sizes that a run's configuration names.</summary>
public static class ModelRecipe
{
    private const int GemmaPattern = 6;

    /// <param name="source">With an architecture; the reader has filled in every other size.</param>
    /// <param name="vocabularySize">Of the tokenizer; taken where the source names none.</param>
    public static ModelConfig ToConfig(ModelSource source, int vocabularySize) =>
        source.Architecture == ModelSource.XlmRoberta
            ? ToEncoder(source, vocabularySize)
            : ToDecoder(source, vocabularySize);

    /// <summary>The same for a tokenizer, whose ids of ends and padding an encoder has.</summary>
    /// <exception cref="RunException">Exit 3: the tokenizer has no padding, after which an encoder's positions begin.
    /// </exception>
    public static ModelConfig ToConfig(ModelSource source, Tokenizer tokenizer)
    {
        ModelConfig config = ToConfig(source, tokenizer.VocabularySize);
        if (config is not EncoderConfig)
            return config;
        if (tokenizer.Pad is null)
            throw new RunException(
                ExitCode.Config, "tokenizer: it has no padding, after whose id an encoder's positions begin. Take one "
                    + "with <pad>.");
        return config with
        {
            BosToken = tokenizer.Bos, PadToken = tokenizer.Pad, EosTokens = tokenizer.Eos is { } eos ? [eos] : [],
        };
    }

    /// <remarks>Ids of ends and padding are those of XLM-R.</remarks>
    private static EncoderConfig ToEncoder(ModelSource source, int vocabularySize) => new()
    {
        // The reader asked for every size, or filled it in.
        VocabularySize = source.VocabSize ?? vocabularySize,
        Width = source.HiddenSize!.Value,
        Layers = source.NumHiddenLayers!.Value,
        Heads = source.NumAttentionHeads!.Value,
        InnerWidth = source.IntermediateSize!.Value,
        MaxPositions = source.MaxPositionEmbeddings ?? 514,
        NormEpsilon = (float)(source.LayerNormEps ?? 1e-5),
        HiddenDropout = (float)(source.HiddenDropoutProb ?? 0.1),
        AttentionDropout = (float)(source.AttentionProbsDropoutProb ?? 0),
        HasMaskedHead = true,
        InitializerRange = (float)(source.InitializerRange ?? 0.02),
        BosToken = 0,
        PadToken = EncoderConfig.DefaultPadding,
        EosTokens = [2],
    };

    private static DecoderConfig ToDecoder(ModelSource source, int vocabularySize)
    {
        Architecture architecture = source.Architecture switch
        {
            "llama" => Architecture.Llama,
            "qwen2" => Architecture.Qwen2,
            "qwen3" => Architecture.Qwen3,
            "gemma3" => Architecture.Gemma3,
            _ => throw new ArgumentException($"'{source.Architecture}' is no architecture with a recipe."),
        };
        bool gemma = architecture == Architecture.Gemma3;
        // The reader asked for both.
        int layers = source.NumHiddenLayers!.Value, heads = source.NumAttentionHeads!.Value;
        int headSize = source.HeadDim ?? source.HiddenSize!.Value / heads;
        int pattern = source.SlidingWindowPattern ?? GemmaPattern;
        var rope = new RopeConfig(source.RopeTheta ?? 10_000);
        return new DecoderConfig
        {
            Architecture = architecture,
            VocabularySize = source.VocabSize ?? vocabularySize,
            Width = source.HiddenSize!.Value,
            Layers = layers,
            Heads = heads,
            KeyHeads = source.NumKeyValueHeads ?? heads,
            HeadSize = headSize,
            InnerWidth = source.IntermediateSize!.Value,
            MaxPositions = source.MaxPositionEmbeddings ?? 8192,
            NormEpsilon = (float)(source.RmsNormEps ?? 1e-6),
            AttentionScale = (float)(1 / Math.Sqrt(headSize)), // rounded once, as readers of config.json do
            QueryKeyValueBias = architecture == Architecture.Qwen2,
            QueryKeyNorm = architecture is Architecture.Qwen3 or Architecture.Gemma3,
            TiedHead = source.TieWordEmbeddings ?? gemma,
            Rope = rope,
            LocalRope = gemma ? new RopeConfig(source.RopeLocalBaseFreq ?? 10_000) : rope,
            Window = gemma ? source.SlidingWindow ?? 512 : 0,
            LocalLayers = [.. Enumerable.Range(0, layers).Select(layer => gemma && (layer + 1) % pattern != 0)],
            InitializerRange = (float)(source.InitializerRange ?? 0.02),
        };
    }
}
