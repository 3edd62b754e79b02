namespace FastCpt.Kernels.Cpu;

public sealed unsafe partial class CpuBackend
{
    /// <summary>Also serves <see cref="Backend.Linear"/>, whose residual is none.</summary>
    /// <remarks>One chain per element: residual + bias, then x Wᵀ, then the low-rank term.</remarks>
    protected override void LinearResidualKernel(Tensor x, in LinearWeight w, Tensor residual, Tensor y)
    {
        RefuseDouble(x);
        LowRank adapter = w.Adapter;
        if (!adapter.IsNone)
            Project(adapter.InputOr(x), Operand.Lines(adapter.A), adapter.Scale, adapter.Projected);
        Product product = Product.To(y).Plus(Operand.Lines(x), Operand.Lines(w.Weight), x.Cols);
        if (!adapter.IsNone)
            product = product.Plus(Operand.Lines(adapter.Projected), Operand.Lines(adapter.B), adapter.A.Rows);
        product.Residual = (void*)residual.Address;
        product.ResidualStride = y.Cols;
        if (!w.Bias.IsNone)
            product.Bias = Widened(w.Bias, (float*)ScratchOf(ScratchUse.Bias, w.Bias.Length * sizeof(float)));
        _gemm.Multiply(product);
    }
}
