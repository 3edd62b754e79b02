using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>The kinds of values that hold others: lists, maps with free names, and values that may be absent.</summary>
internal static class ConfigContainers
{
    public static ConfigType<IReadOnlyList<T>> List<T>(ConfigType<T> item) => new ListType<T>(item);

    /// <summary>A map from free names to sections; the order of the text is kept, `null` takes an entry out.</summary>
    /// <param name="name">The name that a section carries.</param>
    /// <param name="withName">The section under another name.</param>
    public static ConfigType<IReadOnlyList<T>> Map<T>(
        ConfigType<T> section, Func<T, string> name, Func<T, string, T> withName) =>
        new MapType<T>(section, name, withName);

    public static ConfigType<T?> Optional<T>(ConfigType<T> type) where T : class => new OptionalType<T>(type);

    public static ConfigType<T?> OptionalValue<T>(ConfigType<T> type) where T : struct =>
        new OptionalValueType<T>(type);

    private static JsonObject OrNull(JsonObject schema) =>
        new() { ["anyOf"] = new JsonArray(schema, new JsonObject { ["type"] = "null" }) };

    private sealed class ListType<T>(ConfigType<T> item) : ConfigType<IReadOnlyList<T>>
    {
        public override IReadOnlyList<T> Read(YamlNode node, ConfigPaths paths)
        {
            if (node.Kind != YamlKind.List)
                throw node.Error($"found {node}, expected a list such as [a, b]. A list is given as a whole.");
            return [.. node.Items.Select(child => item.Read(child, paths))];
        }

        public override JsonNode ToJson(IReadOnlyList<T> value) => new JsonArray([.. value.Select(item.ToJson)]);

        public override JsonObject Schema() => new() { ["type"] = "array", ["items"] = item.Schema() };
    }

    private sealed class MapType<T>(ConfigType<T> section, Func<T, string> name, Func<T, string, T> withName)
        : ConfigType<IReadOnlyList<T>>
    {
        public override IReadOnlyList<T> Read(YamlNode node, ConfigPaths paths)
        {
            var values = new List<T>();
            foreach (var (key, value) in node.Entries)
                if (!value.IsNull)
                    values.Add(withName(section.Read(value, paths), ConfigTypes.Name.Read(key, paths)));
            return values;
        }

        public override JsonNode ToJson(IReadOnlyList<T> value)
        {
            var map = new JsonObject();
            foreach (T item in value)
                map.Add(name(item), section.ToJson(item));
            return map;
        }

        public override JsonObject Schema() => new()
        {
            ["type"] = "object",
            ["propertyNames"] = ConfigTypes.Name.Schema(),
            ["additionalProperties"] = OrNull(section.Schema()),
        };

        public override IEnumerable<(string Path, string Description)> Descriptions() =>
            section.Descriptions().Select(entry => ("*." + entry.Path, entry.Description));
    }

    private sealed class OptionalType<T>(ConfigType<T> type) : ConfigType<T?> where T : class
    {
        public override T? Read(YamlNode node, ConfigPaths paths) => node.IsNull ? null : type.Read(node, paths);

        public override JsonNode? ToJson(T? value) => value is null ? null : type.ToJson(value);

        public override JsonObject Schema() => OrNull(type.Schema());

        public override IEnumerable<(string Path, string Description)> Descriptions() => type.Descriptions();
    }

    private sealed class OptionalValueType<T>(ConfigType<T> type) : ConfigType<T?> where T : struct
    {
        public override T? Read(YamlNode node, ConfigPaths paths) => node.IsNull ? null : type.Read(node, paths);

        public override JsonNode? ToJson(T? value) => value is { } present ? type.ToJson(present) : null;

        public override JsonObject Schema() => OrNull(type.Schema());
    }
}
