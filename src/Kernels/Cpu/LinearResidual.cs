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
            _gemm.Multiply(Product.To(adapter.Projected).Plus(Operand.Lines(x), Operand.Lines(adapter.A), x.Cols));
        Product product = Product.To(y).Plus(Operand.Lines(x), Operand.Lines(w.Weight), x.Cols);
        if (!adapter.IsNone)
            product = product.Plus(
                Operand.Lines(adapter.Projected), Operand.Lines(adapter.B), adapter.A.Rows, adapter.Scale);
        product.Residual = (void*)residual.Address;
        product.ResidualStride = y.Cols;
        if (!w.Bias.IsNone)
            product.Bias = Widened(w.Bias, (float*)ScratchOf(ScratchUse.Bias, w.Bias.Length * sizeof(float)));
        _gemm.Multiply(product);
    }
}
