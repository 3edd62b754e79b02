using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Adapters;

/// <summary>Reads values of adapter_config.json, each of its kind; null where a key is absent or null.</summary>
internal sealed class PeftKeys
{
    /// <summary>No layer is wider.</summary>
    public const int MostRank = 1 << 20;

    private const int MostNames = 10_000, LongestShown = 60;

    private readonly Dictionary<string, JsonElement> _all = new(StringComparer.Ordinal);

    public PeftKeys(JsonElement root, string path)
    {
        Path = path;
        if (root.ValueKind != JsonValueKind.Object)
            throw Refuse("found no object { }, expected the configuration of an adapter.");
        foreach (JsonProperty property in root.EnumerateObject())
            _all.Add(property.Name, property.Value.Clone());
    }

    /// <summary>What errors name.</summary>
    public string Path { get; }

    public IReadOnlyDictionary<string, JsonElement> All => _all;

    public RunException Refuse(string what) => new(ExitCode.ModelFile, $"{Path}: {what}");

    public RunException Refuse(string key, JsonElement value, string expected)
    {
        string text = value.GetRawText();
        return Refuse(
            $"{key} is {YamlNode.Shown(text[..Math.Min(text.Length, LongestShown)])}, expected {expected}.");
    }

    /// <summary>The value of a key; null where it is absent or null.</summary>
    public JsonElement? Find(string key) =>
        _all.TryGetValue(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public bool? Flag(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } other => throw Refuse(key, other, "true or false"),
    };

    public int? Whole(string key, int least, int most) =>
        Find(key) is { } value ? Whole(key, value, least, most) : null;

    public double? Number(string key) => Find(key) is { } value ? Number(key, value) : null;

    public string? Text(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { } other => throw Refuse(key, other, "a string"),
    };

    /// <summary>A string, or a list of them.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        var (names, pattern) = NamesOrPattern(key);
        return pattern is null ? names : [pattern];
    }

    /// <summary>A list of names, or one string that is a regular expression.</summary>
    public (IReadOnlyList<string> Names, string? Pattern) NamesOrPattern(string key)
    {
        if (Find(key) is not { } value)
            return ([], null);
        if (value.ValueKind == JsonValueKind.String)
            return ([], value.GetString());
        JsonElement[] items = Items(key, value);
        if (Array.Exists(items, item => item.ValueKind != JsonValueKind.String))
            throw Refuse(key, value, "a string or a list of strings");
        return ([.. items.Select(item => item.GetString()!)], null);        // strings, as has been looked
    }

    /// <summary>A whole number, or a list of them.</summary>
    public IReadOnlyList<int>? Wholes(string key) => Find(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } one => [Whole(key, one, 0, MostNames)],
        { } list => [.. Items(key, list).Select(item => Whole(key, item, 0, MostNames))],
    };

    public IReadOnlyList<KeyValuePair<string, int>> Ranks(string key) =>
        [.. Map(key).Select(entry => new KeyValuePair<string, int>(
            entry.Name, Whole(key, entry.Value, 1, MostRank)))];

    public IReadOnlyList<KeyValuePair<string, double>> Numbers(string key) =>
        [.. Map(key).Select(entry => new KeyValuePair<string, double>(entry.Name, Number(key, entry.Value)))];

    private IEnumerable<JsonProperty> Map(string key) => Find(key) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Object } map when map.GetPropertyCount() <= MostNames => map.EnumerateObject(),
        { } other => throw Refuse(key, other, $"an object {{ }} of at most {MostNames} entries"),
    };

    private JsonElement[] Items(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= MostNames
            ? [.. value.EnumerateArray()]
            : throw Refuse(key, value, $"a list [ ] of at most {MostNames}");

    private int Whole(string key, JsonElement value, int least, int most) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number)
        && number >= least && number <= most
            ? number
            : throw Refuse(key, value, $"a whole number from {least} to {most}");

    private double Number(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Refuse(key, value, "a number");
}
