using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What a state scores on the test sets of some locales.</summary>
/// <param name="Device">What computed it.</param>
public sealed record SlotStateScores(string Device, IReadOnlyDictionary<string, SlotScore> Test)
{
    public const string FileName = "scores.json";

    /// <exception cref="RunException">Exit 3: the file cannot be read, or holds no scores.</exception>
    public static SlotStateScores Load(string folder) => StateFile.Load(
        Path.Combine(folder, FileName), "what a state scores", root => new SlotStateScores(
            root.GetProperty("device").GetString() ?? "",
            root.GetProperty("test").EnumerateObject().ToDictionary(test => test.Name, test => Score(test.Value))));

    public void Write(string folder, FileSystem files) => StateFile.Write(
        Path.Combine(folder, FileName),
        new JsonObject
        {
            ["device"] = Device,
            ["test"] = new JsonObject(Test.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)new JsonObject
            {
                ["f1"] = pair.Value.F1,
                ["strict_f1"] = pair.Value.StrictF1,
                ["precision"] = pair.Value.Precision,
                ["recall"] = pair.Value.Recall,
                ["gold"] = pair.Value.Gold,
                ["predicted"] = pair.Value.Predicted,
                ["correct"] = pair.Value.Correct,
            }))),
        },
        files);

    private static SlotScore Score(JsonElement score) => new(
        score.GetProperty("f1").GetDouble(), score.GetProperty("strict_f1").GetDouble(),
        score.GetProperty("precision").GetDouble(), score.GetProperty("recall").GetDouble(),
        score.GetProperty("gold").GetInt64(), score.GetProperty("predicted").GetInt64(),
        score.GetProperty("correct").GetInt64());
}
