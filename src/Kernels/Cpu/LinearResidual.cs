namespace FastCpt.Kernels.Cpu;

public sealed unsafe partial class CpuBackend
{
    /// <summary>Also serves <see cref="Backend.Linear"/>, whose residual is none.</summary>
    /// <remarks>One chain per element: residual + bias, then x Wᵀ, then the low-rank term.</remarks>
    protected override void LinearResidualKernel(Tensor x, in LinearWeight w, Tensor residual, Tensor y)
    {
        RefuseDouble(x);
        Operand weight = Operand.Lines(w.Weight);
        if (x.Type == w.Weight.Type)
            weight = weight.WithPacked(w.Packed.Forward);
        Product product = Product.To(y).Plus(Operand.Lines(x), weight, x.Cols);
        if (!w.Adapter.IsNone)
            product = product.Plus(LowRankTerms(x, w.Adapter));
        product.Residual = (void*)residual.Address;
        product.ResidualStride = y.Cols;
        if (!w.Bias.IsNone)
            product.Bias = Widened(w.Bias, (float*)ScratchOf(ScratchUse.Bias, w.Bias.Length * sizeof(float)));
        _gemm.Multiply(product);
    }

    /// <summary>Computes scale · x Aᵀ of every term.</summary>
    /// <returns>Its products with Bᵀ.</returns>
    private RowTerms LowRankTerms(Tensor x, in LowRank adapter)
    {
        _rowTerms.Clear();
        for (int index = 0; index < adapter.PartCount; index++)
        {
            LowRankPart part = adapter.Part(index, x.Rows);
            Tensor projected = adapter.ProjectedOf(part);
            Project(
                adapter.InputOr(x).Slice(part.Start, part.Rows), Operand.Lines(part.A), part.Scale, projected);
            _rowTerms.Add(new RowTerm(
                part.Start, part.Rows, Operand.Lines(projected), Operand.Lines(part.B), part.A.Rows));
        }

        _thin.Project();
        return _rowTerms;
    }
}
