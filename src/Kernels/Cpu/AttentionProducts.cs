using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <summary>The two products of attention's steps: of rows, and of rows turned.</summary>
/// <param name="InRows">Its left side has steps in rows: queries, probabilities, gradients.</param>
/// <param name="Across">Its left side has keys in rows: probabilities and gradients of scores, turned.</param>
internal sealed record AttentionProducts(AttentionProduct InRows, AttentionProduct Across)
{
    /// <summary>Of F32.</summary>
    public static AttentionProducts Singles(SimdLevel level) =>
        new(Single(level, LeftSide.InRows), Single(level, LeftSide.Across));

    /// <summary>Of BF16 pairs; null where the level has none.</summary>
    public static AttentionProducts? Pairs(SimdLevel level) =>
        AssembledKernels.Pairs(level, LeftSide.InRows) is { } inRows
        && AssembledKernels.Pairs(level, LeftSide.Across) is { } across
            ? new(new AttentionProduct(inRows, LeftSide.InRows), new AttentionProduct(across, LeftSide.Across))
            : null;

    private static AttentionProduct Single(SimdLevel level, LeftSide left) =>
        new(AssembledKernels.Single(level, left) ?? (MicroKernels)new ManagedKernels(left), left);
}
