namespace FastCpt.Kernels.Cpu;

/// <content>Right sides that are packed as a whole and read by many products.</content>
internal sealed unsafe partial class Gemm
{
    /// <summary>Floats that a right side takes that is packed as a whole.</summary>
    /// <param name="lines">Columns of the output.</param>
    public long PackedFloats(in Operand right, long lines, long reduction)
    {
        Product product = ProductOf(right, lines, reduction);
        ReductionBlocks blocks = new(product, HasPairs);
        return SharedFloats(product, blocks, 0, blocks.Count, PanelsOf(lines));
    }

    /// <summary>Packs all of a right side: block after block of the reduction, in each panel after panel.</summary>
    public void Pack(in Operand right, long lines, long reduction, float* target) =>
        _pool.Run(new PackJob(this, ProductOf(right, lines, reduction), (nint)target));

    /// <summary>Where a block of the right side lies packed since before, all its panels; null where it does not.
    /// </summary>
    private float* PackedRight(in Product product, ReductionBlocks blocks, int index)
    {
        int term = blocks[index].Term;
        float* packed = product.TermCount == 0 ? null : product.Term(term).Right.Packed;
        long panels = PanelsOf(product.Cols);
        for (index--; packed != null && index >= 0 && blocks[index].Term == term; index--)
            packed += panels * Packing.PanelFloats(blocks[index].Steps, _single.Cols);
        return packed;
    }

    /// <summary>A product that reads a right side like any other whose left side has its type.</summary>
    private static Product ProductOf(in Operand right, long lines, long reduction) =>
        new Product { Cols = lines }.Plus(new Operand(null, right.Type, 0, along: true), right, reduction);

    /// <summary>Packs all of the right side.</summary>
    private readonly struct PackJob(Gemm gemm, in Product product, nint target) : IJob
    {
        private readonly Product _product = product;

        public void Run(int worker, int workers)
        {
            ReductionBlocks blocks = new(_product, gemm.HasPairs);
            Part all = new(0, 0, 0, _product.Cols, 0, blocks.Count);
            gemm.PackShared(_product, blocks, all, (float*)target, worker, workers);
        }
    }
}
