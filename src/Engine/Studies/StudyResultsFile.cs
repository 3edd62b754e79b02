using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies;

/// <summary>Measurements as JSON: of one model in its evaluation's folder, of a whole study in results.json.</summary>
public static class StudyResultsFile
{
    public const string Name = "results.json";

    private const int MaxBytes = 64 << 20;

    public static JsonObject ToJson(StudyResults results) => new()
    {
        ["name"] = results.Name,
        ["tool"] = results.Tool,
        ["device"] = results.Device,
        ["models"] = new JsonArray([.. results.Models.Select(ToJson)]),
        ["unigram"] = new JsonObject(
            results.Unigram.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
    };

    public static JsonObject ToJson(ModelResult model) => new()
    {
        ["name"] = model.Name,
        ["seed"] = model.Seed,
        ["system"] = model.System?.ToString(),
        ["family"] = model.Family,
        ["languages"] = new JsonArray([.. model.Languages.Select(result => new JsonObject
        {
            ["language"] = result.Language.Code,
            ["role"] = result.Language.Role.ToString(),
            ["family"] = result.Language.Family,
            ["bits_per_byte"] = result.BitsPerByte,
            ["perplexity"] = result.Perplexity,
            ["tokens"] = result.Tokens,
            ["bytes"] = result.Bytes,
        })]),
        ["drift"] = new JsonArray([.. model.Drift.Select(drift => new JsonObject
        {
            ["group"] = drift.Group,
            ["relative"] = drift.Relative,
            ["rms"] = drift.Rms,
            ["cosine"] = drift.Cosine,
        })]),
    };

    /// <exception cref="RunException">Exit 3: the file cannot be read, or is no study's results.</exception>
    public static StudyResults Load(string path)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        try
        {
            JsonElement root = json.RootElement;
            return new StudyResults(
                Text(root, "name"), Text(root, "tool"), Text(root, "device"),
                [.. root.GetProperty("models").EnumerateArray().Select(ReadModel)],
                root.GetProperty("unigram").EnumerateObject().ToDictionary(
                    property => property.Name, property => property.Value.GetDouble()));
        }
        catch (Exception exception) when (IsOfTheContent(exception))
        {
            throw new RunException(
                ExitCode.Config, $"{path}: these are not the results of a study: {exception.Message}", exception);
        }
    }

    /// <summary>What reading JSON of another form throws.</summary>
    private static bool IsOfTheContent(Exception exception) =>
        exception is KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException;

    /// <exception cref="RunException">Exit 3: the file cannot be read, or holds no model's results.</exception>
    public static ModelResult LoadModel(string path)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        try
        {
            return ReadModel(json.RootElement);
        }
        catch (Exception exception) when (IsOfTheContent(exception))
        {
            throw new RunException(
                ExitCode.Config, $"{path}: these are not the results of a model: {exception.Message}", exception);
        }
    }

    private static ModelResult ReadModel(JsonElement model) => new(
        Text(model, "name"), model.GetProperty("seed").GetUInt64(),
        model.GetProperty("system").GetString() is { } system ? Enum.Parse<StudySystem>(system) : null,
        model.GetProperty("family").GetString(),
        [.. model.GetProperty("languages").EnumerateArray().Select(ReadLanguage)],
        [.. model.GetProperty("drift").EnumerateArray().Select(drift => new DriftResult(
            Text(drift, "group"), Number(drift, "relative"), Number(drift, "rms"), Number(drift, "cosine")))]);

    private static LanguageResult ReadLanguage(JsonElement result) => new(
        new StudyLanguage(
            Text(result, "language"), Enum.Parse<LanguageRole>(Text(result, "role")),
            result.GetProperty("family").GetString()),
        Number(result, "bits_per_byte"), Number(result, "perplexity"),
        result.GetProperty("tokens").GetInt64(), result.GetProperty("bytes").GetInt64());

    private static string Text(JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new FormatException($"'{name}' is null.");

    private static double Number(JsonElement element, string name) => element.GetProperty(name).GetDouble();
}
