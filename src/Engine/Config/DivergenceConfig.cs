using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>When loss and gradient norm count as leaving what they have been.</summary>
public sealed record DivergenceConfig
{
    public DivergenceAction Action { get; init; } = DivergenceAction.Warn;

    /// <summary>In standard deviations of the steps before.</summary>
    public double ZScore { get; init; } = 8;

    /// <summary>Nats per token; 0 for none.</summary>
    public double LossThreshold { get; init; }

    public int Patience { get; init; } = 3;

    internal static readonly Section<DivergenceConfig> Section = new Section<DivergenceConfig>(new DivergenceConfig())
        .Add("action",
            Choice<DivergenceAction>(),
            c => c.Action, (c, v) => c with { Action = v },
            "off, warn, or stop: the run ends before the update, with exit code 5.")
        .Add("z_score", NumberAbove(0), c => c.ZScore, (c, v) => c with { ZScore = v },
            "Standard deviations above the mean of the last 128 steps, of the loss or of the gradient norm.")
        .Add("loss_threshold", Number(0), c => c.LossThreshold, (c, v) => c with { LossThreshold = v },
            "A loss in nats per token that a run should stay below; 0: none.")
        .Add("patience", Int(1), c => c.Patience, (c, v) => c with { Patience = v },
            "Steps in a row above loss_threshold that count.");
}
