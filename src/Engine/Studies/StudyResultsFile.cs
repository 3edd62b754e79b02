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
        ["models"] = new JsonArray([.. results.Models.Select(ToJson)]),
        ["unigram"] = new JsonObject(
            results.Unigram.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
    };

    public static JsonObject ToJson(ModelResult model) => new()
    {
        ["name"] = model.Name,
        ["seed"] = model.Seed,
        ["system"] = model.System is { } system ? EnumWord.Of(system) : null,
        ["family"] = model.Family,
        ["device"] = model.Device,
        ["languages"] = new JsonArray([.. model.Languages.Select(result => new JsonObject
        {
            ["language"] = result.Language.Code,
            ["role"] = EnumWord.Of(result.Language.Role),
            ["family"] = result.Language.Family,
            ["bits_per_byte"] = result.BitsPerByte,
            ["perplexity"] = result.Perplexity,
            ["tokens"] = result.Tokens,
            ["bytes"] = result.Bytes,
        })]),
        ["drift"] = new JsonArray([.. model.Drift.Select(drift => new JsonObject
        {
            ["group"] = drift.Group,
            ["origin_norm"] = drift.OriginNorm,
            ["relative"] = drift.Relative,
            ["rms"] = drift.Rms,
            ["cosine"] = drift.Cosine,
        })]),
    };

    /// <exception cref="RunException">Exit 3: the file cannot be read, or is no study's results.</exception>
    public static StudyResults Load(string path) => Read(path, "study", root => Consistent(new StudyResults(
        Text(root, "name"), Text(root, "tool"),
        [.. Property(root, "models").EnumerateArray().Select(ReadModel)],
        Property(root, "unigram").EnumerateObject().ToDictionary(
            property => property.Name, property => property.Value.GetDouble()))));

    /// <exception cref="RunException">Exit 3: the file cannot be read, or holds no model's results.</exception>
    public static ModelResult LoadModel(string path) => Read(path, "model", ReadModel);

    private static T Read<T>(string path, string what, Func<JsonElement, T> read)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        try
        {
            return read(json.RootElement);
        }
        catch (Exception exception)
            when (exception is InvalidOperationException or FormatException)
        {
            throw new RunException(
                ExitCode.Config, $"{path}: these are not the results of a {what}: {exception.Message}", exception);
        }
    }

    /// <summary>Tables need at least one model, and the same languages and layer groups in all.</summary>
    private static StudyResults Consistent(StudyResults results)
    {
        if (results.Models.Count == 0)
            throw new FormatException("there is no model in them.");
        ModelResult first = results.Models[0];
        foreach (ModelResult model in results.Models)
            if (!model.Languages.Select(result => result.Language).SequenceEqual(
                    first.Languages.Select(result => result.Language))
                || !model.Drift.Select(drift => drift.Group).SequenceEqual(first.Drift.Select(drift => drift.Group)))
                throw new FormatException(
                    $"'{model.Name}' has other languages or layer groups than '{first.Name}'.");
        return results;
    }

    private static ModelResult ReadModel(JsonElement model) => new(
        Text(model, "name"), Property(model, "seed").GetUInt64(),
        Property(model, "system").GetString() is { } system ? Named<StudySystem>(system) : null,
        Property(model, "family").GetString(), Text(model, "device"),
        [.. Property(model, "languages").EnumerateArray().Select(ReadLanguage)],
        [.. Property(model, "drift").EnumerateArray().Select(drift => new DriftResult(
            Text(drift, "group"), Number(drift, "origin_norm"), Number(drift, "relative"), Number(drift, "rms"),
            Number(drift, "cosine")))]);

    private static LanguageResult ReadLanguage(JsonElement result) => new(
        new StudyLanguage(
            Text(result, "language"), Named<LanguageRole>(Text(result, "role")),
            Property(result, "family").GetString()),
        Number(result, "bits_per_byte"), Number(result, "perplexity"),
        Property(result, "tokens").GetInt64(), Property(result, "bytes").GetInt64());

    private static JsonElement Property(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value)
            ? value
            : throw new FormatException($"'{name}' is missing.");

    private static T Named<T>(string word)
        where T : struct, Enum =>
        EnumWord.Find<T>(word) ?? throw new FormatException($"'{word}' is no {typeof(T).Name}.");

    private static string Text(JsonElement element, string name) =>
        Property(element, name).GetString() ?? throw new FormatException($"'{name}' is null.");

    private static double Number(JsonElement element, string name) => Property(element, name).GetDouble();
}
