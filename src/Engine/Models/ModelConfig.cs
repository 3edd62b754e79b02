using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Shape and constants of a model: what config.json says, with every default spelled out.</summary>
public abstract record ModelConfig
{
    /// <summary>V: rows of the embedding, which may exceed the tokenizer's pieces.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>C.</summary>
    public required int Width { get; init; }

    public required int Layers { get; init; }

    /// <summary>H.</summary>
    public required int Heads { get; init; }

    /// <summary>F.</summary>
    public required int InnerWidth { get; init; }

    public required int MaxPositions { get; init; }

    public required float NormEpsilon { get; init; }

    /// <summary>Standard deviation of freshly drawn matrices.</summary>
    public float InitializerRange { get; init; } = 0.02f;

    /// <summary>Id that documents begin with; the tokenizer has the last word.</summary>
    public int? BosToken { get; init; }

    /// <summary>Ids that end a document or an answer.</summary>
    public IReadOnlyList<int> EosTokens { get; init; } = [];

    public int? PadToken { get; init; }

    /// <summary>As config.json calls it: <c>llama</c>, <c>xlm-roberta</c>.</summary>
    public abstract string ModelType { get; }

    /// <summary>Most tokens of a segment.</summary>
    public virtual int LongestSegment => MaxPositions;

    /// <summary>Heads and mask of a layer.</summary>
    public abstract AttentionShape AttentionOf(int layer);

    /// <summary>Equality of everything, lists by content.</summary>
    public abstract bool IsSameAs(ModelConfig other);
}
