using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Models;

/// <summary>One object of config.json, read key by key within ranges; it knows which keys nobody asked for.</summary>
internal sealed class ConfigObject
{
    private const int LongestShown = 60;

    private readonly Dictionary<string, JsonElement> _unread = new(StringComparer.Ordinal);
    private readonly Dictionary<string, JsonElement> _all = new(StringComparer.Ordinal);

    /// <param name="source">What errors name: the path, and the key of a nested object.</param>
    public ConfigObject(JsonElement element, string source)
    {
        Source = source;
        if (element.ValueKind != JsonValueKind.Object)
            throw Refuse($"is {Show(element)}, expected an object {{ }}.");
        foreach (JsonProperty property in element.EnumerateObject())
            _all[property.Name] = _unread[property.Name] = property.Value;
    }

    public string Source { get; }

    public IEnumerable<KeyValuePair<string, JsonElement>> Unread => _unread;

    /// <summary>Whether the key is there, be it null.</summary>
    public bool Has(string key) => _all.ContainsKey(key);

    public bool IsNull(string key) => _all.TryGetValue(key, out JsonElement value) && IsNull(value);

    public int Whole(string key, int least, int most, int fallback) =>
        Take(key, out JsonElement value) ? Whole(key, value, least, most) : fallback;

    /// <returns>Null where the key is absent or null.</returns>
    public int? WholeOrNull(string key, int least, int most) =>
        Take(key, out JsonElement value) && !IsNull(value) ? Whole(key, value, least, most) : null;

    public double Number(string key, double least, double most, double fallback) =>
        Take(key, out JsonElement value) ? Number(key, value, least, most) : fallback;

    /// <returns>Null where the key is absent or null.</returns>
    public double? NumberOrNull(string key, double least, double most) =>
        Take(key, out JsonElement value) && !IsNull(value) ? Number(key, value, least, most) : null;

    /// <returns>Null where the key is absent or null.</returns>
    public bool? FlagOrNull(string key)
    {
        if (!Take(key, out JsonElement value) || IsNull(value))
            return null;
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            throw Refuse($"{key} is {Show(value)}, expected true or false.");
        return value.GetBoolean();
    }

    /// <returns>Null where the key is absent or null.</returns>
    public string? Text(string key)
    {
        if (!Take(key, out JsonElement value) || IsNull(value))
            return null;
        return Text(key, value);
    }

    /// <returns>Null where the key is absent or null.</returns>
    public IReadOnlyList<string>? Texts(string key) =>
        Take(key, out JsonElement value) && !IsNull(value)
            ? [.. Elements(key, value).Select(element => Text(key, element))]
            : null;

    /// <summary>One whole number or a list of them.</summary>
    /// <returns>Null where the key is absent or null.</returns>
    public IReadOnlyList<int>? Wholes(string key, int least, int most)
    {
        if (!Take(key, out JsonElement value) || IsNull(value))
            return null;
        return value.ValueKind == JsonValueKind.Array
            ? [.. Elements(key, value).Select(element => Whole(key, element, least, most))]
            : [Whole(key, value, least, most)];
    }

    /// <returns>Null where the key is absent or null.</returns>
    public ConfigObject? Object(string key) =>
        Take(key, out JsonElement value) && !IsNull(value) ? new ConfigObject(value, $"{Source}: {key}") : null;

    /// <summary>Marks a key as one that changes nothing.</summary>
    public void Skip(string key) => _unread.Remove(key);

    /// <summary>The error that a value of this object deserves.</summary>
    public RunException Refuse(string what) => new(ExitCode.ModelFile, $"{Source}: {what}");

    public static string Show(JsonElement value)
    {
        string text = value.GetRawText();
        return text.Length <= LongestShown ? text : text[..LongestShown] + "...";
    }

    private bool Take(string key, out JsonElement value)
    {
        _unread.Remove(key);
        return _all.TryGetValue(key, out value);
    }

    private int Whole(string key, JsonElement value, int least, int most)
    {
        // "12" only: 12.0 and 1e1 are refused.
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out long number)
            || number < least || number > most)
            throw Refuse($"{key} is {Show(value)}, expected a whole number from {least} to {most}.");
        return (int)number;
    }

    private double Number(string key, JsonElement value, double least, double most)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number)
            || number < least || number > most)
            throw Refuse(FormattableString.Invariant(
                $"{key} is {Show(value)}, expected a number from {least} to {most}."));
        return number;
    }

    private string Text(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.String
            ? value.GetString()!        // a string is not null
            : throw Refuse($"{key} is {Show(value)}, expected a string.");

    private JsonElement.ArrayEnumerator Elements(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray()
            : throw Refuse($"{key} is {Show(value)}, expected a list [ ].");

    private static bool IsNull(JsonElement value) => value.ValueKind == JsonValueKind.Null;
}
