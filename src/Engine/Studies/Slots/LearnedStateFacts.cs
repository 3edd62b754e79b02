using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using FastCpt.Engine.Training.Slots;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>How the training of a state went, and how much it trained.</summary>
/// <param name="BodyParameters">Numbers of the encoder or the adapter that were trained; a pooler is not one.</param>
/// <param name="HeadParameters">Numbers of the classification head.</param>
/// <param name="Epochs">Of the last language's training.</param>
/// <param name="BestEpoch">Whose weights were kept.</param>
public sealed record LearnedStateFacts(
    long BodyParameters, long HeadParameters, IReadOnlyList<SlotEpoch> Epochs, int BestEpoch)
{
    public const string FileName = "training.json";

    /// <exception cref="RunException">Exit 3: the file cannot be read, or is not of a state.</exception>
    public static LearnedStateFacts Load(string folder) => StateFile.Load(
        Path.Combine(folder, FileName), "how a state was trained", root => new LearnedStateFacts(
            root.GetProperty("body_parameters").GetInt64(), root.GetProperty("head_parameters").GetInt64(),
            [.. root.GetProperty("epochs").EnumerateArray().Select(SlotEpoch.Read)],
            root.GetProperty("best_epoch").GetInt32()));

    public void Write(string folder, FileSystem files) => StateFile.Write(
        Path.Combine(folder, FileName),
        new JsonObject
        {
            ["body_parameters"] = BodyParameters,
            ["head_parameters"] = HeadParameters,
            ["best_epoch"] = BestEpoch,
            ["epochs"] = new JsonArray([.. Epochs.Select(epoch => epoch.ToJson())]),
        },
        files);
}
