using FastCpt.Kernels;

namespace FastCpt.Engine.Parameters;

/// <summary>A linear layer's parameters: weight [N, K], perhaps a bias [N], perhaps an adapter.</summary>
/// <param name="name">As published checkpoints call it: <c>model.layers.3.mlp.up_proj</c>.</param>
public sealed class Linear(string name, Parameter weight, Parameter? bias = null)
{
    public string Name => name;

    public Parameter Weight => weight;

    public Parameter? Bias => bias;

    /// <summary>Whoever attaches it owns it, and takes it off before its memory goes.</summary>
    public LowRankAdapter? Adapter { get; internal set; }

    public bool IsTrained => weight.IsTrained || bias is { IsTrained: true } || Adapter is { IsTrained: true };

    /// <summary>N.</summary>
    public long OutputWidth => weight.Value.Rows;

    /// <summary>K.</summary>
    public long InputWidth => weight.Value.Cols;

    internal LinearGradient Gradients => new(
        weight.Gradient, bias?.Gradient ?? Tensor.None, Adapter?.A.Gradient ?? Tensor.None,
        Adapter?.B.Gradient ?? Tensor.None);

    /// <param name="projected">Memory for the adapter's x Aᵀ, or what the forward pass left there; none without
    /// an adapter.</param>
    internal LinearWeight Values(Tensor projected) =>
        new(weight.Value, bias?.Value ?? Tensor.None, Adapter?.Values(projected) ?? default);

    public override string ToString() => name;
}
