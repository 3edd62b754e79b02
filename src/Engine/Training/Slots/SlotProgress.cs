using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Training.Slots;

/// <summary>Where a learner stands between two updates; batches and dropout are functions of the step.</summary>
/// <param name="Step">Updates so far.</param>
/// <param name="LossNats">Sum over the labelled words of the epoch that is under way.</param>
/// <param name="Words">How many these are.</param>
/// <param name="Epochs">Those that are judged.</param>
internal sealed record SlotProgress(long Step, double LossNats, long Words, IReadOnlyList<SlotEpoch> Epochs)
{
    public JsonObject ToJson() => new()
    {
        ["step"] = Step,
        ["loss_nats"] = LossNats,
        ["words"] = Words,
        ["epochs"] = new JsonArray([.. Epochs.Select(epoch => epoch.ToJson())]),
    };

    /// <summary>Reads what <see cref="ToJson"/> gave into a verified checkpoint.</summary>
    /// <param name="source">What errors name.</param>
    /// <exception cref="RunException">Exit 4: another version of the tool wrote it.</exception>
    public static SlotProgress Read(JsonElement json, string source)
    {
        try
        {
            return new SlotProgress(
                json.GetProperty("step").GetInt64(), json.GetProperty("loss_nats").GetDouble(),
                json.GetProperty("words").GetInt64(),
                [.. json.GetProperty("epochs").EnumerateArray().Select(SlotEpoch.Read)]);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new RunException(
                ExitCode.ModelFile,
                $"{source}: what it says of the learner's progress is not of this version: {e.Message} Go on with "
                + "the version that made it, or remove it to start the language afresh.", e);
        }
    }
}
