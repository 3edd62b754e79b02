namespace FastCpt.Kernels.Cpu;

public sealed unsafe partial class CpuBackend
{
    private readonly Scratch _bias = new(), _lowRank = new();

    protected override void LinearKernel(Tensor x, in LinearWeight w, Tensor y) =>
        LinearResidualKernel(x, w, Tensor.None, y);

    /// <remarks>The low-rank term goes on in the same sums, so that a BF16 dx is rounded once; dy B stays F32.</remarks>
    protected override void LinearBackwardKernel(
        Tensor x, in LinearWeight w, Tensor dy, Tensor dx, in LinearGradient dw)
    {
        RefuseDouble(x);
        LowRank adapter = w.Adapter;
        if (!dw.Weight.IsNone)
            _gemm.Multiply(Product.AddTo(dw.Weight, new Term(Operand.Columns(dy), Operand.Columns(x), x.Rows)));
        if (!dw.Bias.IsNone)
            AddColumnSums(dy, dw.Bias);
        if (!dw.B.IsNone)
            _gemm.Multiply(Product.AddTo(
                dw.B, new Term(Operand.Columns(dy), Operand.Columns(adapter.Projected), x.Rows, adapter.Scale)));
        Tensor dProjected = adapter.IsNone || (dx.IsNone && dw.A.IsNone) ? Tensor.None : LowRankGradient(adapter, dy);
        if (!dw.A.IsNone)
            _gemm.Multiply(Product.AddTo(
                dw.A, new Term(Operand.Columns(dProjected), Operand.Columns(x), x.Rows, adapter.Scale)));
        if (dx.IsNone)
            return;
        Product product = Product.AddTo(dx, new Term(Operand.Lines(dy), Operand.Columns(w.Weight), dy.Cols));
        if (!adapter.IsNone)
            product.Second = new Term(
                Operand.Lines(dProjected), Operand.Columns(adapter.A), adapter.A.Rows, adapter.Scale);
        _gemm.Multiply(product);
    }

    /// <returns>dy B, F32 [M, R], valid until the next call.</returns>
    private Tensor LowRankGradient(in LowRank adapter, Tensor dy)
    {
        Shape shape = new(dy.Rows, adapter.B.Cols);
        Tensor dProjected = new((nint)_lowRank.AtLeast(shape.Length * sizeof(float)), DType.F32, shape);
        _gemm.Multiply(Product.To(
            dProjected, new Term(Operand.Lines(dy), Operand.Columns(adapter.B), dy.Cols)));
        return dProjected;
    }

    private static void RefuseDouble(Tensor tensor)
    {
        if (tensor.Type == DType.F64)
            throw new ArgumentException($"The cpu backend computes on F32 and BF16, not on {tensor}.");
    }
}
