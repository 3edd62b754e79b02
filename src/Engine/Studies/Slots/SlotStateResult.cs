using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Training.Slots;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Everything measured of one state of a study: weights after some languages were learned.</summary>
/// <param name="Device">What computed it.</param>
/// <param name="BodyParameters">Numbers of the whole encoder, or of A and B; a pooler is not among them.</param>
/// <param name="HeadParameters">Numbers of the classification head.</param>
/// <param name="Epochs">Of the last language's training; none before any.</param>
/// <param name="BestEpoch">Whose weights were kept.</param>
/// <param name="Scores">On the test set of every locale of the study.</param>
public sealed record SlotStateResult(
    string Device, long BodyParameters, long HeadParameters, IReadOnlyList<SlotEpoch> Epochs, int BestEpoch,
    IReadOnlyDictionary<string, SlotScore> Scores)
{
    public const string FileName = "scores.json";

    public JsonObject ToJson() => new()
    {
        ["device"] = Device,
        ["body_parameters"] = BodyParameters,
        ["head_parameters"] = HeadParameters,
        ["best_epoch"] = BestEpoch,
        ["epochs"] = new JsonArray([.. Epochs.Select(epoch => new JsonObject
        {
            ["number"] = epoch.Number, ["loss"] = epoch.Loss, ["dev_f1"] = epoch.DevF1,
        })]),
        ["test"] = new JsonObject(Scores.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)new JsonObject
        {
            ["f1"] = pair.Value.F1,
            ["strict_f1"] = pair.Value.StrictF1,
            ["precision"] = pair.Value.Precision,
            ["recall"] = pair.Value.Recall,
            ["gold"] = pair.Value.Gold,
            ["predicted"] = pair.Value.Predicted,
            ["correct"] = pair.Value.Correct,
        }))),
    };

    /// <exception cref="RunException">Exit 3: the file cannot be read, or holds no state's results.</exception>
    public static SlotStateResult Load(string path)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config);
        try
        {
            JsonElement root = json.RootElement;
            return new SlotStateResult(
                root.GetProperty("device").GetString() ?? "", root.GetProperty("body_parameters").GetInt64(),
                root.GetProperty("head_parameters").GetInt64(),
                [.. root.GetProperty("epochs").EnumerateArray().Select(epoch => new SlotEpoch(
                    epoch.GetProperty("number").GetInt32(), epoch.GetProperty("loss").GetDouble(),
                    epoch.GetProperty("dev_f1").GetDouble()))],
                root.GetProperty("best_epoch").GetInt32(),
                root.GetProperty("test").EnumerateObject().ToDictionary(test => test.Name, test => Score(test.Value)));
        }
        catch (Exception exception)
            when (exception is InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new RunException(
                ExitCode.Config, $"{path}: these are not the results of a state: {exception.Message}", exception);
        }
    }

    private static SlotScore Score(JsonElement score) => new(
        score.GetProperty("f1").GetDouble(), score.GetProperty("strict_f1").GetDouble(),
        score.GetProperty("precision").GetDouble(), score.GetProperty("recall").GetDouble(),
        score.GetProperty("gold").GetInt64(), score.GetProperty("predicted").GetInt64(),
        score.GetProperty("correct").GetInt64());
}
