using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>One kind of value of a configuration: how it is read, written back, and described to an editor.</summary>
internal abstract class ConfigType<T>
{
    /// <exception cref="RunException">The value does not fit; the message names its place.</exception>
    public abstract T Read(YamlNode node, ConfigPaths paths);

    /// <summary>The value as JSON that <see cref="Read"/> turns into an equal value.</summary>
    public abstract JsonNode? ToJson(T value);

    /// <summary>The values that are accepted, as JSON Schema.</summary>
    public abstract JsonObject Schema();

    /// <summary>Descriptions of the keys below this value, by dotted path; `*` stands for a free name.</summary>
    public virtual IEnumerable<(string Path, string Description)> Descriptions() => [];
}
