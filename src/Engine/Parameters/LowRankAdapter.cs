using FastCpt.Kernels;

namespace FastCpt.Engine.Parameters;

/// <summary>What is added to a linear layer: scale · B A, trained beside a frozen weight. Hu et al. 2021.</summary>
/// <param name="A">[R, K].</param>
/// <param name="B">[N, R].</param>
/// <param name="Scale">alpha / R, or alpha / √R.</param>
public sealed record LowRankAdapter(Parameter A, Parameter B, float Scale)
{
    /// <summary>R.</summary>
    public long Rank => A.Value.Rows;

    /// <summary>Number of scalars.</summary>
    public long Length => A.Value.Length + B.Value.Length;

    public bool IsTrained => A.IsTrained || B.IsTrained;

    /// <param name="projected">scale · x Aᵀ [M, R] of one use of the layer.</param>
    internal LowRank Values(Tensor projected) => new(A.Value, B.Value, Scale, projected);
}
