using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Where a block takes up adapters that are no part of a linear layer: one for each place.</summary>
/// <remarks>Places and rows are those of <see cref="AdapterRows"/>. A block without any computes what it computes, to
/// the bit; rows have the results, and adapters the gradients, of a pass of their own.</remarks>
public sealed class AdapterSite
{
    private readonly Model _model;
    private readonly List<BlockAdapter?> _adapters = [];

    /// <param name="name">As the block's parameters begin: <c>roberta.encoder.layer.3</c>.</param>
    /// <param name="keys">Heads of the block's keys and their size; none where it takes no prefix.</param>
    internal AdapterSite(Model model, string name, int width, (int Heads, int Size) keys) =>
        (_model, Name, Width, KeyHeads, KeyWidth) = (model, name, width, keys.Heads, keys.Heads * keys.Size);

    public string Name { get; }

    /// <summary>C.</summary>
    public int Width { get; }

    /// <summary>K of the block's attention; 0 where it takes no prefix.</summary>
    public int KeyHeads { get; }

    /// <summary>K·D of the block's attention; 0 where it takes no prefix.</summary>
    public int KeyWidth { get; }

    public bool IsTrained
    {
        get
        {
            bool trained = false;
            foreach (BlockAdapter? adapter in _adapters)
                trained |= adapter is { IsTrained: true };
            return trained;
        }
    }

    internal bool HasPrefix => Has(adapter => adapter is Prefix);

    /// <summary>Whether anything is added after the feed-forward layer.</summary>
    internal bool AddsAfterMlp => Has(adapter => adapter is not (null or Prefix));

    public BlockAdapter? At(int place) => place < _adapters.Count ? _adapters[place] : null;

    /// <summary>Puts an adapter at a place, or takes it off; whoever does owns it.</summary>
    internal void Set(int place, BlockAdapter? adapter)
    {
        while (_adapters.Count <= place)
            _adapters.Add(null);
        _adapters[place] = adapter;
    }

    internal void Clear() => _adapters.Clear();

    /// <summary>x and what adapters make of h: [M, C] to [M, C].</summary>
    internal Activation AfterMlp(Tape t, Activation x, Activation h)
    {
        if (!AddsAfterMlp)
            return x;
        AdapterRows? rows = _model.Inputs.Adapters;
        Activation y = t.Copy(x);
        for (int index = 0; index < (rows?.Count ?? 1); index++)
        {
            var (place, range) = rows?[index] ?? (0, new RowRange(0, x.Value.Rows));
            if (range.Count > 0 && At(place)?.AfterMlp(t, t.Rows(h, range)) is { } added)
                y = t.AddRows(y, added, range.Start);
        }

        return y;
    }

    /// <summary>Attention of the block, with prefixes where there are any.</summary>
    internal Activation Attention(Tape t, Activation q, Activation k, Activation v, in AttentionShape shape) =>
        _model.Prefixes is { } prefixes
            ? prefixes.Attention(t, q, k, v, shape, this)
            : t.Attention(q, k, v, _model.Inputs.Segments, shape);

    private bool Has(Func<BlockAdapter?, bool> wanted)
    {
        foreach (BlockAdapter? adapter in _adapters)
            if (wanted(adapter))
                return true;
        return false;
    }
}
