using FastCpt.Engine.Files;

namespace FastCpt.Engine.Training;

/// <summary>What a run needs beside its configuration.</summary>
/// <param name="ShardFolder">Where token shards are kept; null for the run's own folder.</param>
/// <param name="Stop">Polled by every long loop.</param>
/// <param name="Files">Tests put one in that fails or kills.</param>
/// <param name="Console">For lines to read.</param>
/// <param name="Profile">Times every op of a few steps; see <see cref="ProfileTable"/>.</param>
/// <param name="ShowsProgress">Whether the lines include one for every so many steps.</param>
public sealed record TrainingOptions(
    string? ShardFolder, StopSignal Stop, FileSystem Files, TextWriter Console, bool Quiet, bool Profile = false,
    bool ShowsProgress = true)
{
    /// <summary>What time limits and rates go by; tests put one in that they move.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Tests put one in that spoils a step.</summary>
    public StepFaults Faults { get; init; } = StepFaults.None;
}
