using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Training;

/// <summary>
/// Where a run stands between two updates; with weights and optimizer state it is all that resuming needs.
/// </summary>
/// <remarks>
/// Data and randomness are functions of the numbers here, so no reader and no generator has a state of its own. A
/// value, so that making the next one allocates nothing.
/// </remarks>
public readonly record struct TrainingProgress
{
    /// <summary>The start of a run.</summary>
    public TrainingProgress()
    {
    }

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

    /// <summary>What <see cref="DivergenceWatch"/> compares the next step with.</summary>
    public IReadOnlyCollection<double> RecentLosses { get; init; } = [];

    public IReadOnlyCollection<double> RecentNorms { get; init; } = [];

    public int StepsAbove { get; init; }

    /// <summary>Which step of the data the next update reads.</summary>
    public long DataStep => Step + PassedOver;

    /// <summary>Whether a checkpoint of the other says all that one of this would.</summary>
    public bool IsSame(TrainingProgress other) =>
        this with { RecentLosses = [], RecentNorms = [] } == other with { RecentLosses = [], RecentNorms = [] }
        && RecentLosses.SequenceEqual(other.RecentLosses) && RecentNorms.SequenceEqual(other.RecentNorms);

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
        WriteNumbers(json, "recent_losses", RecentLosses);
        WriteNumbers(json, "recent_norms", RecentNorms);
        json.WriteNumber("steps_above", StepsAbove);
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
            RecentLosses = Numbers(json.GetProperty("recent_losses")),
            RecentNorms = Numbers(json.GetProperty("recent_norms")),
            StepsAbove = json.GetProperty("steps_above").GetInt32(),
        };
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyCollection<double> numbers)
    {
        json.WriteStartArray(name);
        foreach (double number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    private static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetDouble())];
}
