using System.Text.Json;
using System.Text.Json.Nodes;

namespace FastCpt.Engine.Training.Slots;

/// <summary>What an epoch of a learner came to.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Loss">Mean over its labelled words, in nats, dropout on.</param>
/// <param name="DevF1">From 0 to 1.</param>
public sealed record SlotEpoch(int Number, double Loss, double DevF1)
{
    public JsonObject ToJson() => new() { ["number"] = Number, ["loss"] = Loss, ["dev_f1"] = DevF1 };

    /// <summary>Reads what <see cref="ToJson"/> gave.</summary>
    /// <exception cref="InvalidOperationException">A member is of another kind; with FormatException for numbers out of
    /// range and KeyNotFoundException for those that are missing.</exception>
    public static SlotEpoch Read(JsonElement json) => new(
        json.GetProperty("number").GetInt32(), json.GetProperty("loss").GetDouble(),
        json.GetProperty("dev_f1").GetDouble());
}
