using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>When evaluations that no longer improve end a run.</summary>
public sealed record EarlyStoppingConfig
{
    public int Patience { get; init; } = 6;

    /// <summary>In nats per token, absolute.</summary>
    public double Threshold { get; init; } = 0.005;

    internal static readonly Section<EarlyStoppingConfig> Section =
        new Section<EarlyStoppingConfig>(new EarlyStoppingConfig())
            .Add("patience", Int(1), c => c.Patience, (c, v) => c with { Patience = v },
                "Evaluations in a row without an improvement above the threshold that stop the run.")
            .Add("threshold", Number(0), c => c.Threshold, (c, v) => c with { Threshold = v },
                "Nats per token by which the best loss must fall to count as an improvement.");
}
