using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>An order in which languages are learned: one that has a name, or one that is written out.</summary>
public sealed record OrderConfig
{
    /// <summary>What reports call it; one of <see cref="Names"/> where no locales are listed.</summary>
    public string Name { get; init; } = Given;

    /// <summary>The locales in order; empty where the name says them.</summary>
    public IReadOnlyList<string> Locales { get; init; } = [];

    /// <summary>The order of data.locales.</summary>
    public const string Given = "given";

    /// <summary>Orders that are known by name; lora-sharing.md 2.6 says what each is.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        Given, "p1", "p2", "p3", "alphabetical", "destructive_first", "destructive_middle", "destructive_last",
        "latin_only", "by_script", "by_joshi",
    ];

    /// <summary>A name, or a map of one name to its locales.</summary>
    internal static readonly ConfigType<OrderConfig> Type = new NameOrList();

    private sealed class NameOrList : ConfigType<OrderConfig>
    {
        private static readonly ConfigType<string> Known = ConfigTypes.Word([.. Names]);
        private static readonly ConfigType<IReadOnlyList<string>> Listed = ConfigContainers.List(ConfigTypes.Name);

        public override OrderConfig Read(YamlNode node, ConfigPaths paths)
        {
            if (node.Kind != YamlKind.Map)
                return new OrderConfig { Name = Known.Read(node, paths) };
            var (key, locales) = node.Entries.Count() == 1
                ? node.Entries.First()
                : throw node.Error("an order is a name, or a map of one name to a list of locales.");
            string name = ConfigTypes.Name.Read(key, paths);
            if (Names.Contains(name))
                throw key.Error($"'{name}' is an order that is known already; choose another name for yours.");
            var order = new OrderConfig { Name = name, Locales = Listed.Read(locales, paths) };
            return order.Locales.Count > 0 && order.Locales.Distinct().Count() == order.Locales.Count
                ? order
                : throw locales.Error("the list is empty or names a locale twice.");
        }

        public override JsonNode? ToJson(OrderConfig value) => value.Locales.Count == 0
            ? Known.ToJson(value.Name)
            : new JsonObject { [value.Name] = Listed.ToJson(value.Locales) };

        public override JsonObject Schema() => new()
        {
            ["anyOf"] = new JsonArray(Known.Schema(), new JsonObject
            {
                ["type"] = "object",
                ["minProperties"] = 1,
                ["maxProperties"] = 1,
                ["additionalProperties"] = Listed.Schema(),
            }),
        };
    }
}
