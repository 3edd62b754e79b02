using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>On how much text the systems of a study are compared.</summary>
public sealed record EvaluationConfig
{
    /// <summary>0 takes all there are.</summary>
    public int MaxDocuments { get; init; }

    public int BatchSize { get; init; } = 8;

    internal static readonly Section<EvaluationConfig> Section = new Section<EvaluationConfig>(new EvaluationConfig())
        .Add("max_documents", Int(0), c => c.MaxDocuments, (c, v) => c with { MaxDocuments = v },
            "Validation documents of each language, chosen by seed; 0: all.")
        .Add("batch_size", Int(1, 1 << 20), c => c.BatchSize, (c, v) => c with { BatchSize = v },
            "Documents of one forward pass; results do not depend on it.");
}
