using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>What the tensors of an adapter are to a base: pairs of its linear layers, and parameters stored whole.
/// </summary>
/// <remarks>Every tensor has its place and every module that the configuration selects has its tensors, or the
/// adapter is refused: PEFT itself passes over both, and computes with random numbers.</remarks>
public sealed class PeftLayout
{
    /// <summary>Heads that are trained beside a base, whatever other head it has.</summary>
    private static readonly string[] HeadModules = ["classifier", "score"];

    private readonly TensorFolder _tensors;
    private readonly PeftConfig _config;
    private readonly IReadOnlyDictionary<string, Shape> _base;
    private readonly LoraTargets _targets;
    private readonly Dictionary<string, string> _keyByParameter = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _stored = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _heads = new(StringComparer.Ordinal);
    private readonly List<PeftPair> _pairs = [];
    private readonly List<string> _ignored = [];

    /// <param name="parameters">Shapes of the base's parameters, and of heads beside it.</param>
    /// <param name="linears">Modules that PEFT would give an adapter where the targets select them.</param>
    /// <exception cref="RunException">Exit 4, naming the tensor that does not fit.</exception>
    internal PeftLayout(
        TensorFolder tensors, PeftConfig config, IReadOnlyDictionary<string, Shape> parameters,
        IReadOnlyCollection<string> linears)
    {
        (_tensors, _config, _base, _targets) = (tensors, config, parameters, new LoraTargets(config.Settings));
        foreach (TensorEntry entry in tensors.Entries)
            if (LoraNames.ParameterOf(entry.Name) is not { } name)
                throw Unexpected(entry, $"its name does not begin with '{LoraNames.Prefix}'");
            else if (!_keyByParameter.TryAdd(name, entry.Name))
                throw Unexpected(entry, $"it is the same as '{_keyByParameter[name]}'");
        string[] modules = [.. _keyByParameter.Keys.Select(LoraNames.ModuleOf).OfType<string>()];
        IsBare = !modules.Any(module => _base.ContainsKey($"{module}.weight"))
            && modules.Any(module => FullName($"{module}.weight") is not null);
        foreach (string name in _keyByParameter.Keys.Order(StringComparer.Ordinal))
            Place(name);
        RequireAll(linears);
    }

    /// <summary>Whether keys lack the first component of the base's names.</summary>
    public bool IsBare { get; }

    public IReadOnlyList<PeftPair> Pairs => _pairs;

    /// <summary>Keys by the parameter that they are stored for.</summary>
    public IReadOnlyDictionary<string, string> Stored => _stored;

    /// <summary>Keys of a head that labels or scores sentences by its parameter, where the base has none.</summary>
    public IReadOnlyDictionary<string, string> Heads => _heads;

    /// <summary>Keys of adapters of a pooler, which the base lacks, since no label depends on it.</summary>
    public IReadOnlyList<string> Ignored => _ignored;

    /// <summary>Whether a parameter is of a head that is trained beside a base.</summary>
    internal static bool IsOfHead(string parameter) =>
        Array.Exists(HeadModules, module => parameter.StartsWith($"{module}.", StringComparison.Ordinal));

    private void Place(string name)
    {
        TensorEntry entry = _tensors.Find(_keyByParameter[name])!;      // the name comes from there
        if (!TensorFolder.IsFloating(entry.Type))
            throw Unexpected(entry, "expected floating-point numbers");
        if (LoraNames.ModuleOf(name) is not { } module)
            PlaceStored(name, entry);
        else if (name.EndsWith(LoraNames.B, StringComparison.Ordinal))
            RequirePartner(name, module + LoraNames.A);
        else
            PlacePair(module, entry, RequirePartner(name, module + LoraNames.B));
    }

    private void PlacePair(string module, TensorEntry a, TensorEntry b)
    {
        if (!_targets.Selects(module))
            throw Unexpected(a, $"target_modules of {PeftConfig.FileName} do not select '{module}'");
        string? parameter = FullName($"{module}.weight");
        if (parameter is null && module.EndsWith("pooler.dense", StringComparison.Ordinal))
        {
            _ignored.AddRange([a.Name, b.Name]);
            return;
        }

        if (parameter is null || _base[parameter].Rank != 2)
            throw Unexpected(a, $"the base has no linear layer '{module}'");
        int rank = _targets.RankOf(module);
        RequireShape(a, [rank, _base[parameter][1]]);
        RequireShape(b, [_base[parameter][0], rank]);
        _pairs.Add(new PeftPair(
            parameter[..^".weight".Length], a.Name, b.Name, rank, _targets.ScaleOf(module)));
    }

    private void PlaceStored(string name, TensorEntry entry)
    {
        bool isNamed = _config.Settings.ModulesToSave.Concat(PeftConfig.SavedWith(_config.TaskType))
            .Any(module => $".{name}".Contains($".{module}.", StringComparison.Ordinal));
        if (!isNamed)
            throw Unexpected(entry, "it is neither lora_A nor lora_B, nor of one of modules_to_save");
        if (FullName(name) is not { } parameter)
        {
            if (!IsOfHead(name))
                throw Unexpected(entry, $"the base has no parameter '{name}'");
            _heads.Add(name, entry.Name);
            return;
        }

        Shape shape = _base[parameter];
        RequireShape(entry, [.. Enumerable.Range(0, shape.Rank).Select(axis => shape[axis])]);
        _stored.Add(parameter, entry.Name);
    }

    private void RequireAll(IReadOnlyCollection<string> linears)
    {
        var placed = _pairs.Select(pair => pair.Module).ToHashSet();
        if (placed.Count == 0)
            throw Refuse(SafeTensorsFault.MissingTensor, "there is no tensor of any adapter.");
        foreach (string linear in linears)
            if (!placed.Contains(linear) && _targets.Selects(IsBare ? LoraNames.Bare(linear) : linear))
                throw Refuse(
                    SafeTensorsFault.MissingTensor,
                    $"target_modules select '{linear}', but there is no tensor '{LoraNames.Prefix}"
                    + $"{(IsBare ? LoraNames.Bare(linear) : linear)}{LoraNames.A}'.");
    }

    /// <summary>The parameter of the base that a name of the file means; null where there is none.</summary>
    private string? FullName(string name) =>
        _base.ContainsKey(name) ? name
        : StoredNames.WithoutPrefix(name) is var text && _base.ContainsKey(text) ? text
        : _base.Keys.Where(full => LoraNames.Bare(full) == name).ToArray() is [var one] ? one
        : null;

    private TensorEntry RequirePartner(string name, string partner) =>
        _keyByParameter.TryGetValue(partner, out string? key)
            ? _tensors.Find(key)!                                       // the key comes from there
            : throw Refuse(
                SafeTensorsFault.MissingTensor,
                $"there is '{_keyByParameter[name]}', but no '{LoraNames.Prefix}{partner}'.");

    private void RequireShape(TensorEntry entry, long[] expected)
    {
        if (!entry.Shape.SequenceEqual(expected))
            throw Refuse(
                SafeTensorsFault.ShapeMismatch,
                $"found {entry}, expected [{string.Join(", ", expected)}] from the base and the rank in "
                + $"{PeftConfig.FileName}. The adapter may be of another model.");
    }

    private RunException Unexpected(TensorEntry entry, string why) =>
        Refuse(SafeTensorsFault.UnexpectedTensor, $"found {entry}: {why}.");

    private RunException Refuse(SafeTensorsFault fault, string what) =>
        SafeTensorsHeader.Refuse(_tensors.Path, fault, what);
}
