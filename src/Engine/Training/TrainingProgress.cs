using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Training;

/// <summary>
/// Where a run stands between two updates; with weights and optimizer state it is all that resuming needs.
/// </summary>
/// <remarks>
/// Data and randomness are functions of the numbers here, so no reader and no generator has a state of its own.
/// </remarks>
public sealed record TrainingProgress
{
    /// <summary>Updates done.</summary>
    public long Step { get; init; }

    /// <summary>Steps of data passed over without an update: skipped, or left behind by a rollback.</summary>
    public long PassedOver { get; init; }

    /// <summary>Predicted tokens of the updates done.</summary>
    public long Tokens { get; init; }

    /// <summary>Steps in a row that were not finite.</summary>
    public int Skips { get; init; }

    public bool RolledBack { get; init; }

    /// <summary>Lowest evaluation loss in nats, and the step it belongs to.</summary>
    public double BestLoss { get; init; } = double.PositiveInfinity;

    public long BestStep { get; init; }

    /// <summary>The last step that was evaluated; a stop may come between an update and its evaluation.</summary>
    public long EvaluatedStep { get; init; }

    /// <summary>Evaluations in a row without a clear improvement.</summary>
    public int Misses { get; init; }

    /// <summary>Which step of the data the next update reads.</summary>
    public long DataStep => Step + PassedOver;

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("step", Step);
        json.WriteNumber("passed_over", PassedOver);
        json.WriteNumber("tokens", Tokens);
        json.WriteNumber("skips", Skips);
        json.WriteBoolean("rolled_back", RolledBack);
        if (double.IsFinite(BestLoss))
            json.WriteNumber("best_loss", BestLoss);
        else
            json.WriteNull("best_loss");
        json.WriteNumber("best_step", BestStep);
        json.WriteNumber("evaluated_step", EvaluatedStep);
        json.WriteNumber("misses", Misses);
        json.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write"/> wrote into a verified checkpoint.</summary>
    /// <param name="source">What errors name.</param>
    /// <exception cref="RunException">Exit 4: another version of the tool wrote it.</exception>
    public static TrainingProgress Read(JsonElement json, string source)
    {
        try
        {
            return Read(json);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new RunException(
                ExitCode.ModelFile,
                $"{source}: what it says of the run's progress is not of this version: {e.Message} Go on with the "
                + "version that made it.", e);
        }
    }

    private static TrainingProgress Read(JsonElement json)
    {
        JsonElement best = json.GetProperty("best_loss");
        return new TrainingProgress
        {
            Step = json.GetProperty("step").GetInt64(),
            PassedOver = json.GetProperty("passed_over").GetInt64(),
            Tokens = json.GetProperty("tokens").GetInt64(),
            Skips = json.GetProperty("skips").GetInt32(),
            RolledBack = json.GetProperty("rolled_back").GetBoolean(),
            BestLoss = best.ValueKind == JsonValueKind.Null ? double.PositiveInfinity : best.GetDouble(),
            BestStep = json.GetProperty("best_step").GetInt64(),
            EvaluatedStep = json.GetProperty("evaluated_step").GetInt64(),
            Misses = json.GetProperty("misses").GetInt32(),
        };
    }
}
