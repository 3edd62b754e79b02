using FastCpt.Kernels;

namespace FastCpt.Engine.Parameters;

/// <summary>What is added to a linear layer: scale · B A, trained beside a frozen weight. Hu et al. 2021.</summary>
/// <param name="A">[R, K].</param>
/// <param name="B">[N, R].</param>
/// <param name="Scale">alpha / R, or alpha / √R.</param>
/// <param name="Dropout">Share of what A multiplies that is left out while training.</param>
public sealed record LowRankAdapter(Parameter A, Parameter B, float Scale, float Dropout = 0)
{
    /// <summary>R.</summary>
    public long Rank => A.Value.Rows;

    /// <summary>Number of scalars.</summary>
    public long Length => A.Value.Length + B.Value.Length;

    public bool IsTrained => A.IsTrained || B.IsTrained;

    /// <param name="projected">scale · x Aᵀ [M, R] of one use of the layer.</param>
    /// <param name="input">x after dropout, or none.</param>
    internal LowRank Values(Tensor projected, Tensor input) => new(A.Value, B.Value, Scale, projected, input);

    /// <summary>The same for some rows, with where their gradients go.</summary>
    internal LowRankGroup Group(RowRange rows, bool takesGradients) =>
        new(rows.Start, rows.Count, A.Value, B.Value, Scale, takesGradients ? TakeGradients() : default);

    /// <summary>Where an op leaves the gradients: as a whole over zeros that were never written, or added.</summary>
    private LowRankGradient TakeGradients() =>
        Linear.IsUnwritten(A) && Linear.IsUnwritten(B)
            ? new LowRankGradient(A.GradientToOverwrite(), B.GradientToOverwrite(), Overwrites: true)
            : new LowRankGradient(A.Gradient, B.Gradient);
}
