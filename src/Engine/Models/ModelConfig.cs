namespace FastCpt.Engine.Models;

/// <summary>Decoder families that the engine knows.</summary>
public enum Architecture
{
    Llama,
    Qwen2,
    Qwen3,
    Gemma3,
}

/// <summary>How rotary frequencies are stretched for long contexts.</summary>
public enum RopeScaling
{
    None,

    /// <summary>Positions divided by the factor.</summary>
    Linear,

    /// <summary>Low frequencies divided by the factor, high ones kept, a ramp between (Llama 3.1).</summary>
    Llama3,
}

/// <summary>Rotary position embedding of one kind of layer. Su et al. 2021.</summary>
/// <param name="OriginalPositions">Context of the unstretched model; only for Llama 3 scaling.</param>
public sealed record RopeConfig(
    double Theta,
    RopeScaling Scaling = RopeScaling.None,
    double Factor = 1,
    double LowFrequencyFactor = 1,
    double HighFrequencyFactor = 4,
    double OriginalPositions = 8192);

/// <summary>Shape and constants of a decoder: what config.json says, with every default spelled out.</summary>
public sealed record ModelConfig
{
    public required Architecture Architecture { get; init; }

    /// <summary>V: rows of the embedding, which may exceed the tokenizer's pieces.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>C.</summary>
    public required int Width { get; init; }

    public required int Layers { get; init; }

    /// <summary>H.</summary>
    public required int Heads { get; init; }

    /// <summary>K.</summary>
    public required int KeyHeads { get; init; }

    /// <summary>D; H·D need not be the width.</summary>
    public required int HeadSize { get; init; }

    /// <summary>F.</summary>
    public required int InnerWidth { get; init; }

    public required int MaxPositions { get; init; }

    public required float NormEpsilon { get; init; }

    /// <summary>What attention scores are multiplied by.</summary>
    public required float AttentionScale { get; init; }

    /// <summary>Bias on query, key and value projections (Qwen2).</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Bias on the attention's output projection.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Bias on the three projections of the feed-forward layer.</summary>
    public bool MlpBias { get; init; }

    /// <summary>RMSNorm over each query and key head before rotation (Qwen3, Gemma 3).</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>The output head is the embedding table.</summary>
    public required bool TiedHead { get; init; }

    /// <summary>Of layers that see everything before them.</summary>
    public required RopeConfig Rope { get; init; }

    /// <summary>Of layers with a window; equal to <see cref="Rope"/> where there are none.</summary>
    public required RopeConfig LocalRope { get; init; }

    /// <summary>Rows that a local layer sees, itself included.</summary>
    public int Window { get; init; }

    /// <summary>Per layer: whether it sees only a window.</summary>
    public required IReadOnlyList<bool> LocalLayers { get; init; }

    /// <summary>Standard deviation of freshly drawn matrices.</summary>
    public float InitializerRange { get; init; } = 0.02f;

    /// <summary>Id that documents begin with; the tokenizer has the last word.</summary>
    public int? BosToken { get; init; }

    /// <summary>Ids that end a document or an answer.</summary>
    public IReadOnlyList<int> EosTokens { get; init; } = [];

    public int? PadToken { get; init; }

    /// <summary>Equality of everything, lists by content.</summary>
    public bool IsSameAs(ModelConfig other) =>
        this with { LocalLayers = [], EosTokens = [] } == other with { LocalLayers = [], EosTokens = [] }
        && LocalLayers.SequenceEqual(other.LocalLayers) && EosTokens.SequenceEqual(other.EosTokens);
}
