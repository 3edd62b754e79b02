using FastCpt.Kernels;

namespace FastCpt.Engine.Parameters;

/// <summary>A linear layer's parameters: weight [N, K] and perhaps a bias [N].</summary>
public sealed class Linear(Parameter weight, Parameter? bias = null)
{
    public Parameter Weight => weight;

    public Parameter? Bias => bias;

    public bool IsTrained => weight.IsTrained || bias is { IsTrained: true };

    /// <summary>N.</summary>
    public long OutputWidth => weight.Value.Rows;

    internal LinearWeight Values => new(weight.Value, bias?.Value ?? Tensor.None);

    internal LinearGradient Gradients => new(weight.Gradient, bias?.Gradient ?? Tensor.None);
}
