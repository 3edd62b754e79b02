using System.Text.Json.Nodes;
using FastCpt.Engine.Files;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>The kinds of values that choose linear layers, as PEFT's settings do.</summary>
internal static class ModuleTypes
{
    public static ConfigType<NamesOrPattern> Names { get; } = new NamesOrPatternType();

    /// <summary>A map from regular expressions that names end with to values, in the expressions' order.</summary>
    public static ConfigType<IReadOnlyList<KeyValuePair<string, T>>> Patterns<T>(ConfigType<T> value) =>
        new PatternMap<T>(value);

    /// <summary>A list of names, or one string that is a regular expression; all-linear is a name.</summary>
    private sealed class NamesOrPatternType : ConfigType<NamesOrPattern>
    {
        private static readonly ConfigType<IReadOnlyList<string>> List = ConfigContainers.List(Text);

        public override NamesOrPattern Read(YamlNode node, ConfigPaths paths) =>
            node.Kind == YamlKind.List ? new(List.Read(node, paths))
            : node.IsNull ? new([])
            : Text.Read(node, paths) is var text && text == "all-linear" ? new([text]) : new([], text);

        public override JsonNode? ToJson(NamesOrPattern value) =>
            value.Pattern is { } pattern ? JsonValue.Create(pattern) : List.ToJson(value.Names);

        public override JsonObject Schema() => new()
        {
            ["anyOf"] = new JsonArray(Text.Schema(), List.Schema(), new JsonObject { ["type"] = "null" }),
        };
    }

    /// <summary>A map from regular expressions to values.</summary>
    private sealed class PatternMap<T>(ConfigType<T> value) : ConfigType<IReadOnlyList<KeyValuePair<string, T>>>
    {
        public override IReadOnlyList<KeyValuePair<string, T>> Read(YamlNode node, ConfigPaths paths) =>
            [.. node.Entries.Select(entry => KeyValuePair.Create(entry.Key.AsText(), value.Read(entry.Value, paths)))
                .OrderBy(entry => entry.Key, StringComparer.Ordinal)];

        public override JsonNode ToJson(IReadOnlyList<KeyValuePair<string, T>> map) => new JsonObject(
            map.Select(entry => KeyValuePair.Create(entry.Key, value.ToJson(entry.Value))));

        public override JsonObject Schema() => new()
        {
            ["type"] = "object", ["additionalProperties"] = value.Schema(),
        };
    }
}
