using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>The numbers of a study of adapters as JSON, in results.json; undefined ones are null.</summary>
public static class AdapterResultsFile
{
    private const int MaxBytes = 64 << 20;

    public static string ToText(AdapterStudyResults results) => ConfigText.Json(ToJson(results));

    public static JsonObject ToJson(AdapterStudyResults results) => new()
    {
        ["kind"] = AdapterStudyConfig.Kind,
        ["name"] = results.Name,
        ["tool"] = results.Tool,
        ["device"] = results.Device,
        ["locales"] = new JsonArray([.. results.Locales.Select(locale => new JsonObject
        {
            ["code"] = locale.Code,
            ["script"] = locale.Script,
            ["family"] = locale.Family,
            ["joshi_class"] = locale.JoshiClass,
            ["fertility"] = locale.Fertility,
            ["unknown_share"] = locale.UnknownShare,
            ["overlaps"] = new JsonObject(locale.Overlaps.Select(
                pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
        })]),
        ["monos"] = new JsonArray([.. results.Monos.Select(ToJson)]),
        ["multis"] = new JsonArray([.. results.Multis.Select(ToJson)]),
        ["sequences"] = new JsonArray([.. results.Sequences.Select(ToJson)]),
    };

    /// <summary>Whether a file holds such results, and not those of a study of families.</summary>
    /// <exception cref="RunException">Exit 3: the file cannot be read.</exception>
    public static bool IsAt(string path)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        return json.RootElement.ValueKind == JsonValueKind.Object
            && json.RootElement.TryGetProperty("kind", out JsonElement kind)
            && kind.ValueKind == JsonValueKind.String && kind.GetString() == AdapterStudyConfig.Kind;
    }

    /// <exception cref="RunException">Exit 3: the file cannot be read, or is no such study's results.</exception>
    public static AdapterStudyResults Load(string path)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        try
        {
            JsonElement root = json.RootElement;
            return new AdapterStudyResults(
                Text(root, "name"), Text(root, "tool"), Text(root, "device"),
                [.. root.GetProperty("locales").EnumerateArray().Select(ReadLocale)],
                [.. root.GetProperty("monos").EnumerateArray().Select(one => ReadSingle(one, SharingStrategy.Mono))],
                [.. root.GetProperty("multis").EnumerateArray().Select(one => ReadSingle(one, SharingStrategy.Multi))],
                [.. root.GetProperty("sequences").EnumerateArray().Select(ReadSequence)]);
        }
        catch (Exception exception) when (exception is InvalidOperationException or FormatException
            or KeyNotFoundException or ArgumentException)
        {
            throw new RunException(
                ExitCode.Config, $"{path}: these are not the results of a study of adapters: {exception.Message}",
                exception);
        }
    }

    private static JsonObject ToJson(SingleResult single) => new()
    {
        ["seed"] = single.Seed,
        ["parameters"] = single.Parameters,
        ["f1"] = new JsonObject(single.F1.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
    };

    private static JsonObject ToJson(SequenceResult sequence)
    {
        TransferMatrix r = sequence.Matrix;
        return new JsonObject
        {
            ["strategy"] = EnumWord.Of(sequence.Strategy),
            ["rank"] = sequence.Rank,
            ["seed"] = sequence.Seed,
            ["order"] = sequence.Order,
            ["parameters"] = sequence.Parameters,
            ["locales"] = new JsonArray([.. r.Locales.Select(locale => (JsonNode)locale)]),
            ["r"] = new JsonArray([.. Enumerable.Range(0, r.Count + 1).Select(step => (JsonNode)new JsonArray(
                [.. Enumerable.Range(1, r.Count).Select(position => (JsonNode?)r[step, position])]))]),
        };
    }

    private static StudyLocale ReadLocale(JsonElement locale) => new(
        Text(locale, "code"), Text(locale, "script"), Text(locale, "family"),
        locale.GetProperty("joshi_class").GetInt32(), Number(locale.GetProperty("fertility")),
        Number(locale.GetProperty("unknown_share")),
        locale.GetProperty("overlaps").EnumerateObject().ToDictionary(one => one.Name, one => Number(one.Value)));

    private static SingleResult ReadSingle(JsonElement single, SharingStrategy strategy) => new(
        strategy, single.GetProperty("seed").GetUInt64(), single.GetProperty("parameters").GetInt64(),
        single.GetProperty("f1").EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetDouble()));

    private static SequenceResult ReadSequence(JsonElement sequence)
    {
        var r = new TransferMatrix([.. sequence.GetProperty("locales").EnumerateArray()
            .Select(locale => locale.GetString() ?? throw new FormatException("a locale is null."))]);
        JsonElement rows = sequence.GetProperty("r");
        if (rows.GetArrayLength() != r.Count + 1
            || rows.EnumerateArray().Any(row => row.GetArrayLength() != r.Count))
            throw new FormatException($"r is not {r.Count + 1} rows of {r.Count}.");
        for (int step = 0; step <= r.Count; step++)
            for (int position = 1; position <= r.Count; position++)
                r[step, position] = Number(rows[step][position - 1]);
        return new SequenceResult(
            EnumWord.Find<SharingStrategy>(Text(sequence, "strategy")) ?? throw new FormatException(
                $"'{Text(sequence, "strategy")}' is no strategy."),
            sequence.GetProperty("rank") is var rank && rank.ValueKind == JsonValueKind.Null ? null : rank.GetInt32(),
            sequence.GetProperty("seed").GetUInt64(), Text(sequence, "order"),
            sequence.GetProperty("parameters").GetInt64(), r);
    }

    private static double? Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Null ? null : value.GetDouble();

    private static string Text(JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new FormatException($"'{name}' is null.");
}
