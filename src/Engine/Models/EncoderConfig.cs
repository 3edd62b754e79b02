using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Encoder families; they differ in what config.json calls them.</summary>
public enum EncoderFamily
{
    XlmRoberta,
    Roberta,
}

/// <summary>Shape and constants of an encoder. Liu et al. 2019; Conneau et al. 2020.</summary>
public sealed record EncoderConfig : ModelConfig
{
    public EncoderFamily Family { get; init; }

    /// <summary>Rows of the token type table; every token is of type 0.</summary>
    public int TokenTypes { get; init; } = 1;

    /// <summary>Of embeddings and of what each half of a block adds to its input, while training.</summary>
    public float HiddenDropout { get; init; }

    /// <summary>Of attention probabilities, while training.</summary>
    public float AttentionDropout { get; init; }

    /// <summary>Before a token classifier, while training; null: as <see cref="HiddenDropout"/>.</summary>
    public float? ClassifierDropout { get; init; }

    /// <summary>Whether the model has the head that predicts masked tokens.</summary>
    public bool HasMaskedHead { get; init; }

    /// <summary>The id whose rows in the word and position tables stand for padding.</summary>
    public int Padding => PadToken ?? DefaultPadding;

    /// <summary>Row of the position table for the first token of a sentence.</summary>
    public int FirstPosition => Padding + 1;

    /// <summary>Scalars of the pooler that published checkpoints have besides, which labels of tokens do not use.
    /// </summary>
    public long PoolerCount => ((long)Width + 1) * Width;

    /// <summary>D.</summary>
    public int HeadSize => Width / Heads;

    public override string ModelType => Family == EncoderFamily.Roberta ? "roberta" : "xlm-roberta";

    public override int LongestSegment => MaxPositions - FirstPosition;

    internal const int DefaultPadding = 1;

    public override AttentionShape AttentionOf(int layer) =>
        new(Heads, Heads, HeadSize, (float)(1 / Math.Sqrt(HeadSize)), AttentionMask.Bidirectional);

    public override bool IsSameAs(ModelConfig other) =>
        other is EncoderConfig encoder && this with { EosTokens = [] } == encoder with { EosTokens = [] }
        && EosTokens.SequenceEqual(encoder.EosTokens);
}
