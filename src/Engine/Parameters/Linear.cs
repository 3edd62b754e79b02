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

    /// <param name="projected">Memory for the adapter's scale · x Aᵀ, or what the forward pass left there; none without
    /// an adapter.</param>
    internal LinearWeight Values(Tensor projected) =>
        new(weight.Value, bias?.Value ?? Tensor.None, Adapter?.Values(projected) ?? default, weight.Packed);

    /// <summary>Where an op leaves the gradients: as a whole over zeros that were never written, or added.</summary>
    internal LinearGradient TakeGradients()
    {
        Parameter? a = Adapter?.A, b = Adapter?.B;
        return IsUnwritten(weight) && IsUnwritten(bias) && IsUnwritten(a) && IsUnwritten(b)
            ? new(weight.GradientToOverwrite(), ToOverwrite(bias), ToOverwrite(a), ToOverwrite(b), Overwrites: true)
            : new(weight.Gradient, ToAdd(bias), ToAdd(a), ToAdd(b));

        static bool IsUnwritten(Parameter? parameter) =>
            parameter is null or { IsCleared: true } or { IsTrained: false };

        static Tensor ToOverwrite(Parameter? parameter) => parameter?.GradientToOverwrite() ?? Tensor.None;

        static Tensor ToAdd(Parameter? parameter) => parameter?.Gradient ?? Tensor.None;
    }

    public override string ToString() => name;
}
