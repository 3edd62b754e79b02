using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FastCpt.Engine.Adapters;

/// <summary>Writes adapter_config.json in PEFT's form: keys sorted, two blanks a level, no line break at the end.
/// </summary>
/// <remarks>A file of our own has the keys that lora-sharing.md 5 lists; PEFT's versions write further ones, whose
/// absence stands for their defaults. A value that a file was read with keeps its spelling, and a file that lacks a
/// key goes on lacking it while its value is the default: what is not touched comes back byte for byte.</remarks>
internal static class PeftConfigWriter
{
    /// <summary>A version in PEFT's notation that is none of PEFT's: it did not write the file.</summary>
    private const string MadeBy = "0+fastcpt";

    public static byte[] Write(PeftConfig config)
    {
        JsonObject now = Values(config), defaults = Values(new PeftConfig(new LoraSettings { Targets = [] }));
        var written = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in now)
        {
            string text = value is null ? "null" : value.ToJsonString();
            using JsonDocument parsed = JsonDocument.Parse(text);
            if (config.Keys.TryGetValue(key, out JsonElement there))
                written.Add(key, Text(IsSame(there, parsed.RootElement) || IsFixed(key) ? there : parsed.RootElement));
            else if (config.Keys.Count == 0 || !JsonNode.DeepEquals(value, defaults[key]))
                written.Add(key, Text(parsed.RootElement));
        }

        foreach (var (key, value) in config.Keys)
            written.TryAdd(key, Text(value));
        return Encoding.ASCII.GetBytes(
            "{\n" + string.Join(",\n", written.Select(entry => $"  {Quoted(entry.Key)}: {entry.Value}")) + "\n}");
    }

    private static JsonObject Values(PeftConfig config)
    {
        LoraSettings settings = config.Settings;
        return new JsonObject
        {
            ["alpha_pattern"] = new JsonObject(settings.AlphaPattern.Select(
                entry => new KeyValuePair<string, JsonNode?>(entry.Key, Number(entry.Value)))),
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = config.Base,
            ["bias"] = "none",
            ["exclude_modules"] = settings.ExcludedPattern is { } excluded
                ? excluded : OrNull(settings.ExcludedModules),
            ["fan_in_fan_out"] = false,
            ["inference_mode"] = true,
            ["init_lora_weights"] = true,
            ["layers_pattern"] = OrNull(settings.LayersPattern),
            ["layers_to_transform"] = settings.LayersToTransform is { } layers
                ? new JsonArray([.. layers.Select(layer => JsonValue.Create(layer))]) : null,
            ["lora_alpha"] = Number(settings.Alpha),
            ["lora_dropout"] = settings.Dropout == 0 ? JsonNode.Parse("0.0") : Number(settings.Dropout),
            ["modules_to_save"] = OrNull(settings.ModulesToSave),
            ["peft_type"] = "LORA",
            ["peft_version"] = MadeBy,
            ["r"] = settings.Rank,
            ["rank_pattern"] = new JsonObject(settings.RankPattern.Select(
                entry => new KeyValuePair<string, JsonNode?>(entry.Key, JsonValue.Create(entry.Value)))),
            ["revision"] = null,
            ["target_modules"] = settings.TargetPattern is { } pattern ? pattern
                : settings.Targets is [LoraSettings.AllLinear] ? LoraSettings.AllLinear : OrNull(settings.Targets),
            ["task_type"] = config.TaskType,
            ["use_dora"] = false,
            ["use_rslora"] = settings.UseRsLora,
        };
    }

    /// <summary>Keys that say how an adapter began, or who wrote it: not ours to change.</summary>
    private static bool IsFixed(string key) =>
        key is "auto_mapping" or "init_lora_weights" or "inference_mode" or "peft_version" or "revision" or "bias";

    /// <summary>Equal, or two ways to say the same: one string for a list of one, null for nothing.</summary>
    private static bool IsSame(JsonElement there, JsonElement now) =>
        JsonElement.DeepEquals(there, now) || (Count(there) == 0 && Count(now) == 0)
        || (now.ValueKind == JsonValueKind.Array && now.GetArrayLength() == 1 && JsonElement.DeepEquals(there, now[0]))
        || (there.ValueKind == JsonValueKind.Array && there.GetArrayLength() == 1
            && JsonElement.DeepEquals(there[0], now));

    private static int Count(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => 0,
        JsonValueKind.Array => value.GetArrayLength(),
        _ => -1,
    };

    private static JsonArray? OrNull(IReadOnlyList<string> names) =>
        names.Count == 0 ? null : new JsonArray([.. names.Select(name => JsonValue.Create(name))]);

    private static JsonNode Number(double value) => Math.Abs(value) < 1e15 && value == Math.Truncate(value)
        ? JsonValue.Create((long)value)
        : JsonNode.Parse(value.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant())!;  // a number

    /// <summary>A value as Python's json writes it below a key of the first level.</summary>
    private static string Text(JsonElement value, int depth = 1)
    {
        string inner = new(' ', 2 * (depth + 1)), outer = new(' ', 2 * depth);
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return Quoted(value.GetString()!);      // a string is not null
            case JsonValueKind.Array when value.GetArrayLength() > 0:
                return $"[\n{inner}{string.Join($",\n{inner}", value.EnumerateArray().Select(i => Text(i, depth + 1)))}"
                    + $"\n{outer}]";
            case JsonValueKind.Object when value.EnumerateObject().MoveNext():
                IEnumerable<string> entries = value.EnumerateObject()
                    .OrderBy(entry => entry.Name, StringComparer.Ordinal)
                    .Select(entry => $"{Quoted(entry.Name)}: {Text(entry.Value, depth + 1)}");
                return $"{{\n{inner}{string.Join($",\n{inner}", entries)}\n{outer}}}";
            case JsonValueKind.Array:
                return "[]";
            case JsonValueKind.Object:
                return "{}";
            default:
                return value.GetRawText();
        }
    }

    /// <summary>In ASCII: what is beyond is escaped, each half of a surrogate pair by itself.</summary>
    private static string Quoted(string text)
    {
        var json = new StringBuilder("\"");
        foreach (char c in text)
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                < ' ' or > '~' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        return json.Append('"').ToString();
    }
}
