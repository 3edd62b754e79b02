using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Values of a results file, each within its bounds or refused.</summary>
internal static class ResultValues
{
    /// <summary>Above anything that is measured; charts compute with the square of it.</summary>
    private const double MostOfNumbers = 1e12;

    /// <exception cref="FormatException">It is no score.</exception>
    public static double Share(JsonElement value) => value.GetDouble() is >= 0 and <= 1 and var share
        ? share
        : throw new FormatException($"{value.GetRawText()} is no score from 0 to 1.");

    /// <exception cref="FormatException">It is no number that a measure could have.</exception>
    public static double? Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Null ? null
        : value.GetDouble() is >= -MostOfNumbers and <= MostOfNumbers and var number ? number
        : throw new FormatException($"{value.GetRawText()} is no measure.");

    /// <exception cref="FormatException">It is no count.</exception>
    public static long Count(JsonElement element, string name, long most = long.MaxValue) =>
        element.GetProperty(name).GetInt64() is >= 0 and var count && count <= most
            ? count
            : throw new FormatException($"{name} is {element.GetProperty(name).GetRawText()}.");

    /// <exception cref="FormatException">It is null.</exception>
    public static string Text(JsonElement element, string name) => Text(element.GetProperty(name));

    /// <inheritdoc cref="Text(JsonElement, string)"/>
    public static string Text(JsonElement value) =>
        value.GetString() ?? throw new FormatException("a string is null.");

    /// <summary>Scores of exactly these locales.</summary>
    /// <exception cref="FormatException">One is missing or unknown, or is no score.</exception>
    public static Dictionary<string, double> Scores(JsonElement scores, IReadOnlyCollection<string> locales)
    {
        var read = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (JsonProperty score in scores.EnumerateObject())
            read[score.Name] = locales.Contains(score.Name)
                ? Share(score.Value)
                : throw new FormatException($"'{YamlNode.Shown(score.Name)}' is no locale here.");
        return read.Count == locales.Count
            ? read
            : throw new FormatException($"scores of {read.Count} locales, expected {locales.Count}.");
    }
}
