namespace FastCpt.Kernels;

/// <summary>Low-rank terms of a linear layer: to each row scale · (x Aᵀ) Bᵀ. Hu et al. 2021, equation 3.</summary>
/// <remarks>One term for all rows (A, B and Scale), or <see cref="Groups"/> of rows, each with a term of its own.
/// </remarks>
/// <param name="A">[R, K]; none with groups.</param>
/// <param name="B">[N, R]; none with groups.</param>
/// <param name="Scale">alpha / R, or alpha / √R.</param>
/// <param name="Projected">scale · x Aᵀ [M, R] of the activations' type; forward overwrites it, backward reads it.
/// With groups R is the largest rank, and a group of rank r keeps its rows, r wide and one after the other, from its
/// first row on.</param>
/// <param name="Input">What A multiplies where that is not the layer's x, such as x after dropout: [M, K] of x's type.
/// </param>
/// <param name="Groups">Null for one term.</param>
public readonly record struct LowRank(
    Tensor A, Tensor B, float Scale, Tensor Projected, Tensor Input = default, LowRankGroups? Groups = null)
{
    /// <summary>Groups of rows, each with a term of its own.</summary>
    public LowRank(LowRankGroups groups, Tensor projected, Tensor input = default)
        : this(Tensor.None, Tensor.None, 0, projected, input, groups)
    {
    }

    public bool IsNone => A.IsNone && Groups is null;

    /// <summary>The row of the groups' that the layer's row 0 is, where an op takes rows a block at a time.
    /// <see cref="Projected"/> is that of all rows nevertheless.</summary>
    internal long FirstRow { get; init; }

    /// <summary>Number of terms; those of groups may have no rows here.</summary>
    internal int PartCount => Groups?.Count ?? (A.IsNone ? 0 : 1);

    /// <summary>R, the largest rank.</summary>
    internal long Rank => Groups?.MostRank ?? (A.IsNone ? 0 : A.Rows);

    /// <summary>What A multiplies in a layer of x.</summary>
    internal Tensor InputOr(Tensor x) => Input.IsNone ? x : Input;

    /// <summary>A term and its rows among the M of a layer.</summary>
    internal LowRankPart Part(int index, long rows)
    {
        if (Groups is null)
            return new LowRankPart(0, rows, A, B, Scale, 0);
        ref readonly LowRankGroup group = ref Groups[index];
        long start = Math.Clamp(group.Start - FirstRow, 0, rows);
        long end = Math.Clamp(group.Start + group.Rows - FirstRow, 0, rows);
        return new LowRankPart(
            start, end - start, group.A, group.B, group.Scale, Math.Max(FirstRow - group.Start, 0));
    }

    /// <summary>A part's rows of <see cref="Projected"/>: [rows, r].</summary>
    internal Tensor ProjectedOf(in LowRankPart part) =>
        Groups is null ? Projected : Carve(Projected, part, part.Start + FirstRow - part.Skipped, part.Skipped);

    /// <summary>A part's rows of memory [M, R] that is laid out like <see cref="Projected"/>, but holds this layer's
    /// rows alone.</summary>
    internal Tensor Carve(Tensor memory, in LowRankPart part) =>
        Groups is null ? memory : Carve(memory, part, part.Start, 0);

    /// <summary>Where gradients of a term go.</summary>
    internal LowRankGradient GradientOf(int index, in LinearGradient dw) =>
        Groups is null ? new LowRankGradient(dw.A, dw.B, dw.Overwrites) : Groups[index].Gradient;

    private static Tensor Carve(Tensor memory, in LowRankPart part, long firstRow, long skipped)
    {
        long rank = part.A.Rows, elements = firstRow * memory.Cols + skipped * rank;
        return new Tensor(
            memory.Address + (nint)(elements * memory.Type.Size()), memory.Type, new Shape(part.Rows, rank));
    }
}

/// <summary>One of a layer's low-rank terms, with its rows among those of an op.</summary>
/// <param name="Skipped">Rows of the group that lie before the op's.</param>
internal readonly record struct LowRankPart(long Start, long Rows, Tensor A, Tensor B, float Scale, long Skipped);

/// <summary>Where the gradients of a low-rank term go; one that is none is not wanted.</summary>
/// <param name="A">[R, K] of the statistic type.</param>
/// <param name="B">[N, R] of the statistic type.</param>
/// <param name="Overwrites">As <see cref="LinearGradient.Overwrites"/>.</param>
public readonly record struct LowRankGradient(Tensor A = default, Tensor B = default, bool Overwrites = false);

/// <summary>A low-rank term of rows [Start, Start + Rows).</summary>
/// <param name="A">[R, K].</param>
/// <param name="B">[N, R].</param>
/// <param name="Scale">alpha / R, or alpha / √R.</param>
public readonly record struct LowRankGroup(
    long Start, long Rows, Tensor A, Tensor B, float Scale, LowRankGradient Gradient = default);
