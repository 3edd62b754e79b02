using FastCpt.Kernels;

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

/// <summary>Shape and constants of a decoder.</summary>
public sealed record DecoderConfig : ModelConfig
{
    public required Architecture Architecture { get; init; }

    /// <summary>K.</summary>
    public required int KeyHeads { get; init; }

    /// <summary>D; H·D need not be the width.</summary>
    public required int HeadSize { get; init; }

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

    public override string ModelType => Architecture switch
    {
        Architecture.Llama => "llama",
        Architecture.Qwen2 => "qwen2",
        Architecture.Qwen3 => "qwen3",
        _ => "gemma3_text",
    };

    public override AttentionShape AttentionOf(int layer) => new(
        Heads, KeyHeads, HeadSize, AttentionScale,
        LocalLayers[layer] ? AttentionMask.Window : AttentionMask.Causal, Window);

    public override bool IsSameAs(ModelConfig other) =>
        other is DecoderConfig decoder
        && this with { LocalLayers = [], EosTokens = [] } == decoder with { LocalLayers = [], EosTokens = [] }
        && LocalLayers.SequenceEqual(decoder.LocalLayers) && EosTokens.SequenceEqual(decoder.EosTokens);
}
