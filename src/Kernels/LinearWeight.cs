namespace FastCpt.Kernels;

/// <summary>A low-rank term of a linear layer: scale · (x Aᵀ) Bᵀ. Hu et al. 2021, equation 3.</summary>
/// <param name="A">[R, K].</param>
/// <param name="B">[N, R].</param>
/// <param name="Scale">alpha / R, or alpha / √R.</param>
/// <param name="Projected">scale · x Aᵀ [M, R] of the activations' type; forward overwrites it, backward reads it.
/// </param>
/// <param name="Input">What A multiplies where that is not the layer's x, such as x after dropout: [M, K] of x's type.
/// </param>
public readonly record struct LowRank(Tensor A, Tensor B, float Scale, Tensor Projected, Tensor Input = default)
{
    public bool IsNone => A.IsNone;

    /// <summary>What A multiplies in a layer of x.</summary>
    internal Tensor InputOr(Tensor x) => Input.IsNone ? x : Input;
}

/// <summary>What a linear layer multiplies by: y = x Wᵀ + bias + low-rank term.</summary>
/// <param name="Weight">[N, K], as published checkpoints store it.</param>
/// <param name="Bias">[N] or none.</param>
/// <param name="Adapter">May be none.</param>
public readonly record struct LinearWeight(Tensor Weight, Tensor Bias = default, LowRank Adapter = default);

/// <summary>
/// Gradients of a linear layer's parts; a part that is none is not trained. Those of parameters are of the statistic
/// type.
/// </summary>
/// <param name="Weight">[N, K].</param>
/// <param name="Bias">[N].</param>
/// <param name="A">[R, K].</param>
/// <param name="B">[N, R].</param>
/// <param name="Input">Of the adapter's own input, where it has one: [M, K] of x's type, always added to. dx then lacks
/// the low-rank term.</param>
/// <param name="Overwrites">Whether the gradients of parameters are overwritten instead of added to: the first of a
/// step need neither be cleared nor read. The result is that of adding to zeros.</param>
public readonly record struct LinearGradient(
    Tensor Weight = default, Tensor Bias = default, Tensor A = default, Tensor B = default, Tensor Input = default,
    bool Overwrites = false);

/// <summary>The activation of a gated feed-forward layer.</summary>
public enum Gate
{
    /// <summary>gelu(gate) · up with the tanh form of GELU (Gemma).</summary>
    GeGlu,

    /// <summary>silu(gate) · up (Llama, Qwen). Shazeer 2020.</summary>
    SwiGlu,
}
