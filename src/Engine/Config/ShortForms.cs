using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>A section that may also be written as one word or a list of words.</summary>
/// <param name="section">The full form, which is what is written.</param>
/// <param name="fromWords">The section that a list of words stands for.</param>
/// <param name="key">The key of the full form that the words stand under.</param>
internal sealed class ShortForms<T, TWord>(
    Section<T> section, ConfigType<TWord> word, Func<IReadOnlyList<TWord>, T> fromWords, string key) : ConfigType<T>
{
    private readonly ConfigType<IReadOnlyList<TWord>> _list = ConfigContainers.List(word);

    public override T Read(YamlNode node, ConfigPaths paths)
    {
        if (node.Kind == YamlKind.Map)
            return section.Read(node, paths);
        IReadOnlyList<TWord> words = node.Kind == YamlKind.List ? _list.Read(node, paths) : [word.Read(node, paths)];
        if (words.Count == 0 || words.Distinct().Count() < words.Count)
            throw node.Error($"{key}: the list is empty or names something twice.");
        return fromWords(words);
    }

    public override JsonNode? ToJson(T value) => section.ToJson(value);

    public override JsonObject Schema() =>
        new() { ["anyOf"] = new JsonArray(word.Schema(), _list.Schema(), section.Schema()) };

    public override IEnumerable<(string Path, string Description)> Descriptions() => section.Descriptions();
}
