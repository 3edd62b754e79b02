using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>What a configuration is made of, lowest first: files, environment, settings of the command line.</summary>
/// <remarks>
/// Maps are merged key by key, all else is replaced by the later layer; `null` replaces as well, so it takes an
/// optional section or an entry of a map out again. A file may begin from another in its folder: `extends: base.yaml`.
/// </remarks>
public sealed class ConfigLayers
{
    private const string Prefix = "FASTCPT_";
    private const int MaxExtends = 8;

    /// <summary>Variables that are read elsewhere and are no keys of a configuration.</summary>
    private static readonly string[] OtherVariables = ["FASTCPT_DATA", "FASTCPT_ISA", "FASTCPT_PERF_MAP"];

    /// <summary>What the names of the benches' variables begin with.</summary>
    private const string BenchPrefix = "FASTCPT_BENCH_";

    /// <summary>Maps whose keys are the user's own, so that a dash in them stays a dash.</summary>
    private static readonly string[] MapsOfNames = ["languages", "families", "groups"];

    private YamlNode? _merged;

    internal ConfigPaths Paths { get; } = new();

    /// <summary>Whether the layers describe a study: only a study has families.</summary>
    public bool IsStudy => Merged.Find("families") is not null;

    /// <summary>Whether they describe a study of adapters.</summary>
    public bool IsAdapterStudy =>
        Merged.Find("kind") is { Kind: YamlKind.Scalar } kind && kind.AsText() == AdapterStudyConfig.Kind;

    /// <summary>Adds a file, YAML or JSON, with those that it extends; of a run.json, its configuration.</summary>
    /// <exception cref="RunException">The file cannot be read, is malformed, or extends itself.</exception>
    public ConfigLayers AddFile(string path) => Add(ReadFile(path, []));

    /// <summary>Adds variables such as FASTCPT_TRAINING__MAX_STEPS; two underscores are a dot.</summary>
    /// <exception cref="RunException">A value is malformed.</exception>
    public ConfigLayers AddEnvironment(IEnumerable<KeyValuePair<string, string>> variables)
    {
        var ours = variables.Where(pair => pair.Key.StartsWith(Prefix, StringComparison.Ordinal)
            && !OtherVariables.Contains(pair.Key) && !pair.Key.StartsWith(BenchPrefix, StringComparison.Ordinal));
        foreach (var (name, value) in ours.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Add(Nested(name[Prefix.Length..].ToLowerInvariant().Split("__"), value, name, ExitCode.Config));
        return this;
    }

    /// <summary>Adds `a.b.c=value` from the command line; the value is YAML.</summary>
    /// <exception cref="RunException">There is no '=', or the value is malformed.</exception>
    public ConfigLayers AddSetting(string assignment)
    {
        int end = assignment.IndexOf('=');
        if (end <= 0)
            throw new RunException(ExitCode.Usage, $"--set {assignment}: expected key=value, "
                + "such as --set training.max_steps=100.");
        return AddSetting(assignment[..end], assignment[(end + 1)..], "--set " + assignment[..end]);
    }

    /// <summary>Adds the value of one key; errors name the source, such as the flag that it came from.</summary>
    /// <exception cref="RunException">The value is malformed.</exception>
    public ConfigLayers AddSetting(string key, string value, string source) =>
        Add(Nested(WithUnderscores(key.Split('.')), value, source, ExitCode.Usage));

    /// <summary>All layers as one map.</summary>
    internal YamlNode Merged =>
        _merged ?? new YamlNode("the configuration", ExitCode.Config, 1, 1, YamlKind.Map);

    /// <summary>The upper map over the lower one; the order of keys is the lower's, then what the upper adds.</summary>
    internal static YamlNode Merge(YamlNode lower, YamlNode upper)
    {
        if (lower.Kind != YamlKind.Map || upper.Kind != YamlKind.Map)
            return upper;
        YamlNode merged = EmptyMap(upper);
        foreach (var (key, value) in lower.Entries)
            merged.Add(upper.Find(key.AsText()) is null ? key : KeyOf(upper, key.AsText()),
                upper.Find(key.AsText()) is { } over ? Merge(value, over) : value);
        foreach (var (key, value) in upper.Entries)
            if (lower.Find(key.AsText()) is null)
                merged.Add(key, value);
        return merged;
    }

    /// <summary>A map without a key.</summary>
    internal static YamlNode Without(YamlNode map, string key)
    {
        YamlNode rest = EmptyMap(map);
        foreach (var (name, value) in map.Entries)
            if (name.AsText() != key)
                rest.Add(name, value);
        return rest;
    }

    /// <summary>A map with a key set to a value.</summary>
    internal static YamlNode With(YamlNode map, string key, YamlNode value)
    {
        YamlNode with = Without(map, key);
        with.Add(new YamlNode(value.Source, value.Code, value.Line, value.Column, key, isQuoted: false), value);
        return with;
    }

    private static YamlNode EmptyMap(YamlNode place) =>
        new(place.Source, place.Code, place.Line, place.Column, YamlKind.Map);

    private static YamlNode KeyOf(YamlNode map, string key) =>
        map.Entries.First(entry => entry.Key.AsText() == key).Key;

    private ConfigLayers Add(YamlNode layer)
    {
        _merged = _merged is null ? layer : Merge(_merged, layer);
        return this;
    }

    private YamlNode ReadFile(string path, List<string> chain)
    {
        Paths.AddFile(path);
        chain.Add(Path.GetFullPath(path));
        if (Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase))
            StrictJson.Check(InputFile.ReadAllBytes(path, ExitCode.Config, StrictYaml.MaxBytes), path,
                ExitCode.Config, StrictYaml.MaxDepth, StrictYaml.MaxNodes);
        YamlNode root = StrictYaml.Load(path);
        if (root.Kind != YamlKind.Map)
            throw root.Error($"found {root}, expected a map of keys and values.");
        if (root.Find("config") is { Kind: YamlKind.Map } record)
            root = record;
        if (root.Find("extends") is not { } extends)
            return root;

        string name = extends.AsText();
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().ContainsAny("/\\:\0"))
            throw extends.Error($"found {extends}, expected the name of a file in the same folder, without a path.");
        string basePath = Path.Combine(Path.GetDirectoryName(path) ?? "", name);
        if (chain.Contains(Path.GetFullPath(basePath)))
            throw extends.Error($"found {extends}: the files extend each other in a circle "
                + $"({string.Join(" → ", chain.Select(Path.GetFileName))} → {name}).");
        if (chain.Count == MaxExtends)
            throw extends.Error($"more than {MaxExtends} files extend each other.");
        if (!File.Exists(basePath))
            throw extends.Error($"found {extends}, but there is no such file beside {Path.GetFileName(path)}.");
        return Merge(ReadFile(basePath, chain), Without(root, "extends"));
    }

    private static YamlNode Nested(string[] path, string value, string source, ExitCode code)
    {
        YamlNode node = value.Trim().Length == 0
            ? new YamlNode(source, code, 1, 1, "", isQuoted: false)
            : StrictYaml.Parse(value, source, code);
        for (int i = path.Length - 1; i >= 0; i--)
        {
            var map = new YamlNode(source, code, 1, 1, YamlKind.Map);
            map.Add(new YamlNode(source, code, 1, 1, path[i], isQuoted: false), node);
            node = map;
        }
        return node;
    }

    private static string[] WithUnderscores(string[] path)
    {
        var parts = new string[path.Length];
        for (int i = 0; i < path.Length; i++)
        {
            bool isName = i > 0 && MapsOfNames.Contains(path[i - 1]);
            parts[i] = isName ? path[i] : path[i].Replace('-', '_');
        }
        return parts;
    }
}
