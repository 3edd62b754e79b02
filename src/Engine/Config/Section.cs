using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>The table of a section's keys: the one place that says what each is called, holds, and means.</summary>
/// <remarks>Reading, writing, the schema and the commented template all walk this table.</remarks>
/// <param name="defaults">The value of every key that is not given.</param>
internal sealed class Section<T>(T defaults) : ConfigType<T>
{
    private readonly List<Field> _fields = [];
    private Func<T, (string Key, string Message)?> _check = _ => null;
    private Func<T, T> _complete = section => section;

    /// <summary>Adds a key.</summary>
    /// <param name="get">The value in a section.</param>
    /// <param name="with">The section with another value.</param>
    public Section<T> Add<TValue>(
        string name, ConfigType<TValue> type, Func<T, TValue> get, Func<T, TValue, T> with, string description,
        bool isRequired = false)
    {
        _fields.Add(new Field<TValue>(name, type, get, with, description, isRequired));
        return this;
    }

    /// <summary>Sets what must hold between keys: names the key at fault and says why, else null.</summary>
    public Section<T> Check(Func<T, (string Key, string Message)?> check)
    {
        _check = check;
        return this;
    }

    /// <summary>Sets how defaults that depend on other keys are filled in; runs after the check.</summary>
    public Section<T> Complete(Func<T, T> complete)
    {
        _complete = complete;
        return this;
    }

    public override T Read(YamlNode node, ConfigPaths paths)
    {
        foreach (var (key, _) in node.Entries)
            if (!_fields.Exists(field => field.Name == key.AsText()))
                throw UnknownKey(key);
        T section = defaults;
        foreach (Field field in _fields)
            if (node.Find(field.Name) is { } value)
                section = field.Read(section, value, paths);
        if (_fields.Find(field => field.IsRequired && node.Find(field.Name) is null) is { } missing)
            throw node.Error($"the key '{missing.Name}' is missing: {missing.Description}");
        if (_check(section) is { } problem)
            throw (node.Find(problem.Key) ?? node).Error($"{problem.Key}: {problem.Message}");
        return _complete(section);
    }

    public override JsonNode ToJson(T value)
    {
        var map = new JsonObject();
        foreach (Field field in _fields)
            map.Add(field.Name, field.ToJson(value));
        return map;
    }

    public override JsonObject Schema()
    {
        var properties = new JsonObject();
        foreach (Field field in _fields)
            properties.Add(field.Name, field.Schema(defaults));
        return new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = new JsonArray(
                [.. _fields.Where(field => field.IsRequired).Select(field => JsonValue.Create(field.Name))]),
            ["properties"] = properties,
        };
    }

    public override IEnumerable<(string Path, string Description)> Descriptions() =>
        _fields.SelectMany(field => field.Descriptions());

    private RunException UnknownKey(YamlNode key)
    {
        string[] names = [.. _fields.Select(field => field.Name)];
        string hint = NearestName.Of(key.AsText(), names) is { } nearest
            ? $"Did you mean '{nearest}'?"
            : $"Known here: {NearestName.Listed(names, "and")}.";
        return key.Error($"the key {key} is unknown. {hint}");
    }

    private abstract class Field(string name, string description, bool isRequired)
    {
        public string Name => name;
        public string Description => description;
        public bool IsRequired => isRequired;

        public abstract T Read(T section, YamlNode value, ConfigPaths paths);

        public abstract JsonNode? ToJson(T section);

        public abstract JsonObject Schema(T defaults);

        public abstract IEnumerable<(string Path, string Description)> Descriptions();
    }

    private sealed class Field<TValue>(
        string name, ConfigType<TValue> type, Func<T, TValue> get, Func<T, TValue, T> with, string description,
        bool isRequired) : Field(name, description, isRequired)
    {
        public override T Read(T section, YamlNode value, ConfigPaths paths) => with(section, type.Read(value, paths));

        public override JsonNode? ToJson(T section) => type.ToJson(get(section));

        public override JsonObject Schema(T defaults)
        {
            JsonObject schema = type.Schema();
            schema["description"] = Description;
            if (!IsRequired && !schema.ContainsKey("properties"))
                schema["default"] = ToJson(defaults);
            return schema;
        }

        public override IEnumerable<(string Path, string Description)> Descriptions() =>
            type.Descriptions().Select(entry => (Name + "." + entry.Path, entry.Description))
                .Prepend((Name, Description));
    }
}
