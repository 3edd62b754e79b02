using FastCpt.Engine.Adapters;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Engine.Alignment;

/// <summary>What every tensor of a merged model is made of.</summary>
/// <remarks>
/// Names of the base are read as its own loader reads them: with or without the encoder's prefix, inside a multimodal
/// folder or not. Whether head and embedding are one is config.json's word, even where both are stored.
/// </remarks>
internal sealed class LoraMergePlan
{
    private readonly TensorFolder _base;
    private readonly ModelConfig _config;
    private readonly PeftFolder _adapter;
    private readonly List<TensorEntry> _entries = [];
    private readonly Dictionary<string, string> _stored = new(StringComparer.Ordinal);      // by parameter
    private readonly Dictionary<string, LoraMergeSource> _changes = new(StringComparer.Ordinal);  // by parameter
    private readonly Dictionary<string, LoraMergeSource> _sources = new(StringComparer.Ordinal);  // by tensor

    /// <param name="takeOut">The adapter is subtracted; the head that it brought goes.</param>
    /// <param name="warn">Told what is left out.</param>
    /// <exception cref="RunException">Exit 4: the adapter does not fit, or changes what is tied.</exception>
    public LoraMergePlan(
        TensorFolder source, ModelConfig config, PeftFolder adapter, bool takeOut, TiedHead tied, Action<string> warn)
    {
        (_base, _config, _adapter) = (source, config, adapter);
        ReadBase();
        string? table = ParameterLayout.TiedTable(config);
        string head = config is EncoderConfig ? StoredNames.DecoderWeight : ParameterLayout.Head;
        Place(table, head, takeOut, warn);
        if (table is not null && _stored.ContainsKey(table))
            SettleHead(table, head, tied);
        if (_changes.ContainsKey(EncoderLayout.HeadBias))
            Drop(StoredNames.DecoderBias);
        foreach (var (parameter, change) in _changes)
            _sources[_stored[parameter]] = change;
    }

    /// <summary>Tensors of the merged model.</summary>
    public IReadOnlyList<TensorEntry> Entries => _entries;

    /// <summary>The head becomes a tensor of its own.</summary>
    public bool IsUntied { get; private set; }

    /// <summary>The adapter brings a head that the base lacks.</summary>
    public bool BringsHead { get; private set; }

    /// <summary>What a tensor is made of; null where it is the base's.</summary>
    public LoraMergeSource? SourceOf(string tensor) => _sources.GetValueOrDefault(tensor);

    public RunException Refuse(string tensor, string why) =>
        new(ExitCode.ModelFile, $"{_adapter.Path}: '{YamlNode.Shown(tensor)}' cannot be merged: {why}.");

    private void ReadBase()
    {
        foreach (TensorEntry entry in _base.Entries)
        {
            _entries.Add(new TensorEntry(entry.Name, entry.Type, entry.Shape));
            if (StoredNames.Canonical(entry.Name, _config) is { } parameter
                && !_stored.TryAdd(parameter, entry.Name))
                throw SafeTensorsHeader.Refuse(
                    _base.Path, SafeTensorsFault.UnexpectedTensor,
                    $"'{_stored[parameter]}' and '{entry.Name}' are both the parameter '{parameter}'.");
        }
    }

    private void Place(string? table, string head, bool takeOut, Action<string> warn)
    {
        var shapes = _stored.Select(pair => (Parameter: pair.Key, Entry: _base.Find(pair.Value)!))   // it is the base's
            .Where(it => it.Entry.Shape.Count is 1 or 2)
            .ToDictionary(it => it.Parameter, it => ShapeOf(it.Entry), StringComparer.Ordinal);
        if (table is not null && shapes.TryGetValue(table, out Shape shape))
            shapes.TryAdd(head, shape);
        PeftLayout layout = _adapter.LayoutOn(
            shapes, [.. ParameterLayout.Linears(_config).Select(linear => linear.Name)]);
        if (layout.Ignored.Count > 0)
            warn($"{_adapter.Path}: {layout.Ignored.Count} tensors are left out: the base has no pooler.");
        foreach (PeftPair pair in layout.Pairs)
            _changes[$"{pair.Module}.weight"] = new LoraMergeSource(StoredOf($"{pair.Module}.weight"), Pair: pair);
        foreach (var (parameter, key) in layout.Stored)
            if (!takeOut)
                _changes[parameter] = new LoraMergeSource(StoredOf(parameter), Key: key);
            else if (PeftLayout.IsOfHead(parameter))
                DropBrought(parameter, warn);
            else
                throw Refuse(key, "what an adapter stores whole cannot be taken out");
        if (takeOut)
            return;
        foreach (var (parameter, key) in layout.Heads)
        {
            TensorEntry brought = _adapter.Tensors.Find(key)!;      // the layout took the key from there
            _entries.Add(new TensorEntry(parameter, brought.Type, brought.Shape));
            _sources[parameter] = new LoraMergeSource(parameter, Key: key);
            BringsHead = true;
        }
    }

    /// <summary>Decides about a head that is the embedding; a copy of it that is stored as well follows.</summary>
    private void SettleHead(string table, string head, TiedHead tied)
    {
        _changes.Remove(head, out LoraMergeSource? ofHead);
        LoraMergeSource? ofTable = _changes.GetValueOrDefault(table);
        if ((ofHead ?? ofTable) is not { } change)
            return;
        string changed = change.Pair?.A ?? change.Key!;     // it is one of the two
        if (tied == TiedHead.Refuse)
            throw Refuse(changed, "it changes the embedding or the head alone, and in this base the two are one "
                + "tensor; choose to untie them, or to change both");
        if (tied == TiedHead.Shared)
        {
            if (ofHead is not null && ofTable is not null)
                throw Refuse(changed, "the adapter changes the embedding and the head, so they cannot share a change");
            _changes[table] = change with { Name = _stored[table] };
            Drop(head);
            return;
        }

        if (_config is EncoderConfig)
            throw Refuse(changed, "the masked head of an encoder is always its word embeddings; choose to change both");
        IsUntied = true;
        if (_stored.ContainsKey(head))
        {
            if (ofHead is not null)
                _changes[head] = ofHead;
            return;
        }

        TensorEntry entry = _base.Find(_stored[table])!;         // the base's own
        _entries.Add(new TensorEntry(head, entry.Type, entry.Shape));
        _stored.Add(head, head);
        _changes[head] = (ofHead ?? new LoraMergeSource(entry.Name)) with { Name = entry.Name };
    }

    /// <summary>Leaves out a part of a head that the adapter has put into the merged model.</summary>
    private void DropBrought(string parameter, Action<string> warn)
    {
        Drop(parameter);
        warn($"{_base.Path}: '{parameter}' is left out: the adapter has brought it, and whether the base had a head of "
            + "its own before is not known.");
    }

    /// <summary>Leaves a tensor of the base out of the merged model.</summary>
    private void Drop(string parameter)
    {
        if (_stored.Remove(parameter, out string? name))
            _entries.RemoveAll(entry => entry.Name == name);
    }

    private string StoredOf(string parameter) => _stored.GetValueOrDefault(parameter, parameter);

    private static Shape ShapeOf(TensorEntry entry) =>
        entry.Shape.Count == 1 ? new Shape(entry.Shape[0]) : new Shape(entry.Shape[0], entry.Shape[1]);
}
