using System.Globalization;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Adapters;

/// <summary>Which modules get an adapter, and of which rank and scale, by the rules of PEFT.</summary>
/// <remarks>
/// A target of a list is a module's name, or what it ends with after a dot; a pattern matches the whole name. What is
/// excluded, or stored whole, or in a layer that is not asked for, gets none; a target that is the whole name is not
/// held against the layers. A key of a rank or alpha pattern is a
/// regular expression that a name, or its end after a dot, matches whole; the first in order counts. lora-sharing.md
/// 4.5.
/// </remarks>
public sealed class LoraTargets
{
    private readonly LoraSettings _settings;
    private readonly NamePattern? _target, _excluded;
    private readonly NamePattern[] _saved, _layers;
    private readonly (NamePattern Pattern, int Rank)[] _ranks;
    private readonly (NamePattern Pattern, double Alpha)[] _alphas;

    /// <exception cref="RunException">Exit 3: settings that make no sense, or a pattern that is no regular expression.
    /// </exception>
    public LoraTargets(LoraSettings settings)
    {
        Check(settings);
        _settings = settings;
        _target = settings.TargetPattern is { } target ? new NamePattern(target) : null;
        _excluded = settings.ExcludedPattern is { } excluded ? new NamePattern(excluded) : null;
        _saved = [.. settings.ModulesToSave.Select(name => new NamePattern(name, @"\A(?:|.*\.)(?:{0})(?:\z|\..*)"))];
        _layers = settings.LayersToTransform is null ? []
            : settings.LayersPattern.Count == 0 ? [new NamePattern("[^.]*", @"\A.*\.{0}\.(\d+)\.")]
            : [.. settings.LayersPattern.Select(pattern => new NamePattern(pattern, @"\A.*\.{0}\.(\d+)\."))];
        _ranks = [.. settings.RankPattern.Select(entry => (Ending(entry.Key), entry.Value))];
        _alphas = [.. settings.AlphaPattern.Select(entry => (Ending(entry.Key), entry.Value))];

        static NamePattern Ending(string key) => new(key, @"\A(?:.*\.)?(?:{0})\z");
    }

    public bool Selects(string name)
    {
        if (_excluded?.IsMatch(name) ?? _settings.ExcludedModules.Any(excluded => IsNameOrEnd(excluded, name)))
            return false;
        if (Array.Exists(_saved, saved => saved.IsMatch(name)))
            return false;
        return _target?.IsMatch(name)
            ?? (_settings.Targets.Contains(name)
                || (_settings.Targets.Any(target => Matches(target, name)) && IsInALayerAskedFor(name)));
    }

    public int RankOf(string name) =>
        Array.Find(_ranks, entry => entry.Pattern.IsMatch(name)) is { Pattern: not null } found
            ? found.Rank
            : _settings.Rank;

    /// <summary>What B A is multiplied by: alpha / R or alpha / √R, in F32.</summary>
    public float ScaleOf(string name) => _settings.ScaleOf(RankOf(name), AlphaOf(name));

    private double AlphaOf(string name) =>
        Array.Find(_alphas, entry => entry.Pattern.IsMatch(name)) is { Pattern: not null } found
            ? found.Alpha
            : _settings.Alpha;

    /// <summary>Refuses targets, exclusions and patterns that select nothing.</summary>
    /// <param name="names">Of all modules that could have an adapter.</param>
    /// <exception cref="RunException">Exit 3, naming what selects nothing and what there is.</exception>
    internal void RequireEffect(IReadOnlyList<string> names)
    {
        string[] parts = [.. names.Select(name => name[(name.LastIndexOf('.') + 1)..]).Distinct()];
        foreach (string target in _settings.TargetPattern is null ? _settings.Targets : [])
            if (!names.Any(name => Matches(target, name)))
                throw new RunException(
                    ExitCode.Config,
                    $"lora: target '{YamlNode.Shown(target)}' names no linear layer of the model, expected "
                    + $"'{LoraSettings.AllLinear}' or {NearestName.Listed(parts, "or")}.");
        string[] selected = [.. names.Where(Selects)];
        if (selected.Length == 0)
            throw new RunException(
                ExitCode.Config, "lora: targets, exclusions and layers together leave no linear layer; the model has "
                + $"{NearestName.Listed(parts, "and")}.");
        foreach (var (key, pattern) in _settings.RankPattern.Zip(_ranks, (has, made) => (has.Key, made.Pattern))
            .Concat(_settings.AlphaPattern.Zip(_alphas, (has, made) => (has.Key, made.Pattern))))
            if (!selected.Any(pattern.IsMatch))
                throw new RunException(
                    ExitCode.Config, $"lora: '{YamlNode.Shown(key)}' of rank_pattern or alpha_pattern matches no layer "
                    + "that has an adapter.");
    }

    private static bool Matches(string target, string name) =>
        target == LoraSettings.AllLinear || IsNameOrEnd(target, name);

    private static bool IsNameOrEnd(string target, string name) =>
        name == target
        || (name.Length > target.Length && name[name.Length - target.Length - 1] == '.'
            && name.EndsWith(target, StringComparison.Ordinal));

    private bool IsInALayerAskedFor(string name)
    {
        if (_settings.LayersToTransform is not { Count: > 0 } layers)
            return true;
        foreach (NamePattern pattern in _layers)
            if (pattern.Match(name) is { Success: true } match)
                return int.TryParse(
                    match.Groups[match.Groups.Count - 1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture,
                    out int layer) && layers.Contains(layer);
        return false;
    }

    private static void Check(LoraSettings settings)
    {
        string? problem =
            settings.Rank < 1 || settings.RankPattern.Any(entry => entry.Value < 1)
                ? $"a rank of {settings.RankPattern.Select(entry => entry.Value).Append(settings.Rank).Min()}, "
                    + "expected at least 1"
            : settings.AlphaPattern.Select(entry => entry.Value).Append(settings.Alpha)
                .Any(alpha => !float.IsFinite((float)alpha))
                ? "an alpha that is no finite F32"
            : !(settings.Dropout is >= 0 and < 1)
                ? string.Create(
                    CultureInfo.InvariantCulture, $"a dropout of {settings.Dropout}, expected one from 0 to below 1")
            : settings.TargetPattern is null && settings.Targets.Count == 0
                ? $"no targets; name linear layers, or '{LoraSettings.AllLinear}'"
            : settings.TargetPattern is not null && settings.LayersToTransform is not null
                ? "layers_to_transform beside a pattern of targets; say the layers in the pattern"
            : settings.LayersPattern.Count > 0 && settings.LayersToTransform is null
                ? "layers_pattern without layers_to_transform"
            : null;
        if (problem is not null)
            throw new RunException(ExitCode.Config, $"lora: {problem}.");
    }
}
