using System.Text.Json;

namespace FastCpt.Engine.Checkpoints;

/// <summary>What a run says about a checkpoint besides its tensors; it comes back on resume.</summary>
public sealed record CheckpointFacts
{
    public required string RunId { get; init; }

    /// <summary>How often the run has been started, from 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>Tokens trained on so far.</summary>
    public long Tokens { get; init; }

    public double Epoch { get; init; }
    public required string ConfigSha256 { get; init; }
    public required string ToolVersion { get; init; }

    /// <summary>What computed it, with its instruction set, on which the last bits of a sum depend.</summary>
    public string Device { get; init; } = "";

    /// <summary>The checkpoint that this attempt started from; null for a fresh start.</summary>
    public long? ParentStep { get; init; }

    /// <summary>What the best checkpoint has least of, such as validation loss; null if not evaluated.</summary>
    public double? Metric { get; init; }

    /// <summary>Loss and gradient of the last step; a step that has none finite is not taken.</summary>
    public bool IsLossFinite { get; init; } = true;
    public bool IsGradientFinite { get; init; } = true;

    /// <summary>Weights, moments and masters as they were written.</summary>
    public bool AreParametersFinite { get; init; } = true;

    /// <summary>Whether training may go on from it.</summary>
    public bool IsHealthy => IsLossFinite && IsGradientFinite && AreParametersFinite;

    /// <summary>Writes one JSON object: scheduler, data cursor, loss window, whatever the run needs.</summary>
    public required Action<Utf8JsonWriter> WriteState { get; init; }
}
