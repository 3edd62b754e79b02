using FastCpt.Kernels;

namespace FastCpt.Engine.Parameters;

/// <summary>A linear layer's parameters: weight [N, K], perhaps a bias [N], perhaps adapters.</summary>
/// <param name="name">As published checkpoints call it: <c>model.layers.3.mlp.up_proj</c>.</param>
/// <param name="dropoutLayer">The number by which dropout before its adapters is told apart.</param>
public sealed class Linear(string name, Parameter weight, Parameter? bias = null, int dropoutLayer = 0)
{
    private readonly List<LowRankAdapter?> _adapters = [];
    private readonly LowRankGroups _groups = new();

    public string Name => name;

    public Parameter Weight => weight;

    public Parameter? Bias => bias;

    public int DropoutLayer => dropoutLayer;

    /// <summary>The first adapter, which serves all rows of a pass that says nothing of adapters.</summary>
    /// <remarks>Whoever attaches an adapter owns it, and takes it off before its memory goes.</remarks>
    public LowRankAdapter? Adapter
    {
        get => AdapterAt(0);
        internal set => SetAdapter(0, value);
    }

    public bool IsTrained
    {
        get
        {
            bool trained = weight.IsTrained || bias is { IsTrained: true };
            foreach (LowRankAdapter? adapter in _adapters)
                trained |= adapter is { IsTrained: true };
            return trained;
        }
    }

    /// <summary>N.</summary>
    public long OutputWidth => weight.Value.Rows;

    /// <summary>K.</summary>
    public long InputWidth => weight.Value.Cols;

    /// <summary>One of the adapters, which share the layer; null where there is none at that place.</summary>
    public LowRankAdapter? AdapterAt(int place) => place < _adapters.Count ? _adapters[place] : null;

    /// <summary>Attaches an adapter at a place, or takes it off.</summary>
    internal void SetAdapter(int place, LowRankAdapter? adapter)
    {
        while (_adapters.Count <= place)
            _adapters.Add(null);
        _adapters[place] = adapter;
    }

    /// <summary>Takes all adapters off.</summary>
    internal void ClearAdapters() => _adapters.Clear();

    /// <param name="projected">Memory for the adapters' scale · x Aᵀ, or what the forward pass left there; none without
    /// an adapter.</param>
    /// <param name="input">What adapters multiply where that is not the layer's input.</param>
    /// <param name="rows">Null where the first adapter serves all rows.</param>
    /// <param name="takesGradients">Whether gradients of the adapters of rows are wanted.</param>
    /// <returns>Valid until the next call.</returns>
    internal LinearWeight Values(
        Tensor projected = default, Tensor input = default, AdapterRows? rows = null, bool takesGradients = false) =>
        new(
            weight.Value, bias?.Value ?? Tensor.None, AdapterValues(projected, input, rows, takesGradients),
            weight.Packed);

    /// <summary>Where an op leaves the gradients: as a whole over zeros that were never written, or added.</summary>
    /// <param name="rows">With rows, <see cref="Values"/> says where those of adapters go.</param>
    internal LinearGradient TakeGradients(AdapterRows? rows = null)
    {
        Parameter? a = rows is null ? Adapter?.A : null, b = rows is null ? Adapter?.B : null;
        return IsUnwritten(weight) && IsUnwritten(bias) && IsUnwritten(a) && IsUnwritten(b)
            ? new(weight.GradientToOverwrite(), ToOverwrite(bias), ToOverwrite(a), ToOverwrite(b), Overwrites: true)
            : new(weight.Gradient, ToAdd(bias), ToAdd(a), ToAdd(b));

        static Tensor ToOverwrite(Parameter? parameter) => parameter?.GradientToOverwrite() ?? Tensor.None;

        static Tensor ToAdd(Parameter? parameter) => parameter?.Gradient ?? Tensor.None;
    }

    internal static bool IsUnwritten(Parameter? parameter) =>
        parameter is null or { IsCleared: true } or { IsTrained: false };

    public override string ToString() => name;

    private LowRank AdapterValues(Tensor projected, Tensor input, AdapterRows? rows, bool takesGradients)
    {
        if (projected.IsNone)
            return default;
        if (rows is null)
            return Adapter?.Values(projected, input) ?? default;
        _groups.Clear();
        for (int index = 0; index < rows.Count; index++)
            if (AdapterAt(rows[index].Adapter) is { } adapter)
                _groups.Add(adapter.Group(rows[index].Rows, takesGradients));
        return new LowRank(_groups, projected, input);
    }
}
