using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>Where the weights come from: a Hugging Face folder, or a recipe to initialise them by.</summary>
/// <remarks>Once read, there is either a Path or an Architecture, and with it every size that it has.</remarks>
public sealed record ModelSource
{
    private const string Gemma3 = "gemma3";
    private const string Llama = "llama";
    internal const string XlmRoberta = "xlm-roberta";

    public string? Path { get; init; }
    /// <summary>gemma3, llama, qwen2, qwen3 or xlm-roberta.</summary>
    public string? Architecture { get; init; }

    public int? HiddenSize { get; init; }
    public int? NumHiddenLayers { get; init; }
    public int? NumAttentionHeads { get; init; }
    public int? NumKeyValueHeads { get; init; }
    public int? HeadDim { get; init; }
    public int? IntermediateSize { get; init; }

    /// <summary>Rows of the embedding; null takes the tokenizer's size.</summary>
    public int? VocabSize { get; init; }

    public int? SlidingWindow { get; init; }
    public int? SlidingWindowPattern { get; init; }
    public double? RopeTheta { get; init; }
    public double? RopeLocalBaseFreq { get; init; }
    public double? RmsNormEps { get; init; }
    public double? LayerNormEps { get; init; }
    public double? HiddenDropoutProb { get; init; }
    public double? AttentionProbsDropoutProb { get; init; }
    public bool? TieWordEmbeddings { get; init; }
    public int? MaxPositionEmbeddings { get; init; }
    public double? InitializerRange { get; init; }

    internal static readonly Section<ModelSource> Section = new Section<ModelSource>(new ModelSource())
        .Add("path", Optional(FilePath), c => c.Path, (c, v) => c with { Path = v },
            "A Hugging Face folder with config.json and safetensors. With a path, no other key is given.")
        .Add("architecture", Optional(Word(Gemma3, Llama, "qwen2", "qwen3", XlmRoberta)), c => c.Architecture,
            (c, v) => c with { Architecture = v },
            "Initialises a model of this kind from the seed, with the sizes below.")
        .Add("hidden_size", OptionalValue(Int(1, 1 << 16)), c => c.HiddenSize, (c, v) => c with { HiddenSize = v },
            "Width of the residual stream.")
        .Add("num_hidden_layers", OptionalValue(Int(1, 512)), c => c.NumHiddenLayers,
            (c, v) => c with { NumHiddenLayers = v }, "Decoder layers.")
        .Add("num_attention_heads", OptionalValue(Int(1, 1024)), c => c.NumAttentionHeads,
            (c, v) => c with { NumAttentionHeads = v }, "Query heads of a layer.")
        .Add("num_key_value_heads", OptionalValue(Int(1, 1024)), c => c.NumKeyValueHeads,
            (c, v) => c with { NumKeyValueHeads = v }, "Key and value heads of a layer; the query heads if not given.")
        .Add("head_dim", OptionalValue(Int(2, 1024)), c => c.HeadDim, (c, v) => c with { HeadDim = v },
            "Width of a head, even; hidden_size / num_attention_heads if not given.")
        .Add("intermediate_size", OptionalValue(Int(1, 1 << 20)), c => c.IntermediateSize,
            (c, v) => c with { IntermediateSize = v }, "Inner width of the feed-forward part.")
        .Add("vocab_size", OptionalValue(Int(1, 1 << 20)), c => c.VocabSize, (c, v) => c with { VocabSize = v },
            "Rows of the embedding; the tokenizer's size if not given.")
        .Add("sliding_window", OptionalValue(Int(1)), c => c.SlidingWindow, (c, v) => c with { SlidingWindow = v },
            "Tokens that a local layer sees, its own included (gemma3 only); 512 if not given.")
        .Add("sliding_window_pattern", OptionalValue(Int(1, 512)), c => c.SlidingWindowPattern,
            (c, v) => c with { SlidingWindowPattern = v },
            "Every how many layers one is global (gemma3 only); 6 if not given.")
        .Add("rope_theta", OptionalValue(NumberAbove(0)), c => c.RopeTheta, (c, v) => c with { RopeTheta = v },
            "Base of the rotary frequencies; 1000000 for gemma3, qwen2 and qwen3, 10000 for llama if not given.")
        .Add("rope_local_base_freq", OptionalValue(NumberAbove(0)), c => c.RopeLocalBaseFreq,
            (c, v) => c with { RopeLocalBaseFreq = v },
            "The same for local layers (gemma3 only); 10000 if not given.")
        .Add("rms_norm_eps", OptionalValue(NumberAbove(0, 1)), c => c.RmsNormEps, (c, v) => c with { RmsNormEps = v },
            "What is added to the mean square before the root; 1e-6 if not given.")
        .Add("layer_norm_eps", OptionalValue(NumberAbove(0, 1)), c => c.LayerNormEps,
            (c, v) => c with { LayerNormEps = v },
            "What is added to the variance before the root (xlm-roberta only); 1e-5 if not given.")
        .Add("hidden_dropout_prob", OptionalValue(Number(0, 0.9)), c => c.HiddenDropoutProb,
            (c, v) => c with { HiddenDropoutProb = v },
            "Share of activations that training drops (xlm-roberta only); 0.1 if not given.")
        .Add("attention_probs_dropout_prob", OptionalValue(Number(0, 0.9)), c => c.AttentionProbsDropoutProb,
            (c, v) => c with { AttentionProbsDropoutProb = v },
            "Share of attention weights that training drops (xlm-roberta only); 0 if not given.")
        .Add("tie_word_embeddings", OptionalValue(Flag), c => c.TieWordEmbeddings,
            (c, v) => c with { TieWordEmbeddings = v },
            "Whether the output head is the embedding; true for gemma3 and xlm-roberta, else false, if not given.")
        .Add("max_position_embeddings", OptionalValue(Int(1)), c => c.MaxPositionEmbeddings,
            (c, v) => c with { MaxPositionEmbeddings = v },
            "The longest row; 8192 if not given. For xlm-roberta two more than it; 514 if not given.")
        .Add("initializer_range", OptionalValue(NumberAbove(0, 10)), c => c.InitializerRange,
            (c, v) => c with { InitializerRange = v },
            "Standard deviation of the first weights; 0.02 if not given.")
        .Check(c => c.Problem())
        .Complete(c => c.WithDefaults());

    private (string Key, string Message)? Problem()
    {
        if (Path is not null)
            return this == new ModelSource { Path = Path }
                ? null
                : ("path", "the folder's config.json says everything; give either a path or a recipe.");
        if (Architecture is null)
            return ("architecture", "give either the path of a model or an architecture with its sizes.");
        foreach (var (key, value) in new[]
            {
                ("hidden_size", HiddenSize), ("num_hidden_layers", NumHiddenLayers),
                ("num_attention_heads", NumAttentionHeads), ("intermediate_size", IntermediateSize),
            })
            if (value is null)
                return (key, "an architecture needs this size.");
        if (ForeignKey() is { } foreign)
            return (foreign, Architecture == XlmRoberta ? "xlm-roberta has no such part." : "only xlm-roberta has it.");
        if (Architecture != Gemma3
            && (SlidingWindow ?? SlidingWindowPattern ?? RopeLocalBaseFreq) is not null)
            return (SlidingWindow is not null ? "sliding_window" : SlidingWindowPattern is not null
                ? "sliding_window_pattern" : "rope_local_base_freq", "only gemma3 has local layers.");
        if (HeadDim is null && HiddenSize % NumAttentionHeads != 0)
            return ("hidden_size",
                $"{HiddenSize} is no multiple of {NumAttentionHeads} heads; change one, or give head_dim.");
        if (Architecture != XlmRoberta && (HeadDim ?? HiddenSize / NumAttentionHeads) % 2 != 0)
            return (HeadDim is null ? "hidden_size" : "head_dim", "a head needs an even width to be rotated in pairs.");
        if (NumAttentionHeads % (NumKeyValueHeads ?? NumAttentionHeads) != 0)
            return ("num_key_value_heads",
                $"{NumAttentionHeads} query heads cannot share {NumKeyValueHeads} evenly; give a divisor.");
        return null;
    }

    /// <summary>A key that is given although the architecture has no such part; null where there is none.</summary>
    private string? ForeignKey()
    {
        (string Key, bool IsGiven)[] keys = Architecture == XlmRoberta
            ?
            [
                ("num_key_value_heads", NumKeyValueHeads is not null), ("head_dim", HeadDim is not null),
                ("rope_theta", RopeTheta is not null), ("rms_norm_eps", RmsNormEps is not null),
                ("tie_word_embeddings", TieWordEmbeddings == false),
            ]
            :
            [
                ("layer_norm_eps", LayerNormEps is not null), ("hidden_dropout_prob", HiddenDropoutProb is not null),
                ("attention_probs_dropout_prob", AttentionProbsDropoutProb is not null),
            ];
        return Array.Find(keys, key => key.IsGiven).Key;
    }

    private ModelSource WithDefaults()
    {
        if (Architecture is null)
            return this;
        if (Architecture == XlmRoberta)
            return this with
            {
                LayerNormEps = LayerNormEps ?? 1e-5,
                HiddenDropoutProb = HiddenDropoutProb ?? 0.1,
                AttentionProbsDropoutProb = AttentionProbsDropoutProb ?? 0,
                TieWordEmbeddings = true,
                MaxPositionEmbeddings = MaxPositionEmbeddings ?? 514,
                InitializerRange = InitializerRange ?? 0.02,
            };
        bool isGemma = Architecture == Gemma3;
        return this with
        {
            NumKeyValueHeads = NumKeyValueHeads ?? NumAttentionHeads,
            HeadDim = HeadDim ?? HiddenSize / NumAttentionHeads,
            SlidingWindow = SlidingWindow ?? (isGemma ? 512 : null),
            SlidingWindowPattern = SlidingWindowPattern ?? (isGemma ? 6 : null),
            RopeTheta = RopeTheta ?? (Architecture == Llama ? 10_000 : 1_000_000),
            RopeLocalBaseFreq = RopeLocalBaseFreq ?? (isGemma ? 10_000 : null),
            RmsNormEps = RmsNormEps ?? 1e-6,
            TieWordEmbeddings = TieWordEmbeddings ?? isGemma,
            MaxPositionEmbeddings = MaxPositionEmbeddings ?? 8192,
            InitializerRange = InitializerRange ?? 0.02,
        };
    }
}
