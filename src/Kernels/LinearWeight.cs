namespace FastCpt.Kernels;

/// <summary>What a linear layer multiplies by: y = x Wᵀ + bias + low-rank term.</summary>
/// <param name="Weight">[N, K], as published checkpoints store it.</param>
/// <param name="Bias">[N] or none.</param>
/// <param name="Adapter">May be none.</param>
/// <param name="Packed">Copies of a weight that does not change; results are the same without.</param>
public readonly record struct LinearWeight(
    Tensor Weight, Tensor Bias = default, LowRank Adapter = default, PackedWeight Packed = default);

/// <summary>
/// Gradients of a linear layer's parts; a part that is none is not trained. Those of parameters are of the statistic
/// type.
/// </summary>
/// <param name="Weight">[N, K].</param>
/// <param name="Bias">[N].</param>
/// <param name="A">[R, K]; groups of rows name their own.</param>
/// <param name="B">[N, R]; groups of rows name their own.</param>
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
