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
            _gemm.Multiply(Product.AddTo(dw.Weight).Plus(Operand.Columns(dy), Operand.Columns(x), x.Rows));
        if (!dw.Bias.IsNone)
            AddColumnSums(dy, dw.Bias);
        if (!dw.B.IsNone)
            _gemm.Multiply(Product.AddTo(dw.B).Plus(
                Operand.Columns(dy), Operand.Columns(adapter.Projected), x.Rows, adapter.Scale));
        Tensor dProjected = adapter.IsNone || (dx.IsNone && dw.A.IsNone) ? Tensor.None : LowRankGradient(adapter, dy);
        if (!dw.A.IsNone)
            _gemm.Multiply(Product.AddTo(dw.A).Plus(
                Operand.Columns(dProjected), Operand.Columns(x), x.Rows, adapter.Scale));
        if (!dx.IsNone)
            _gemm.Multiply(PlusInputGradient(Product.AddTo(dx), w, dy, dProjected));
    }

    /// <summary>The terms dy W and scale · (dy B) A.</summary>
    /// <param name="dProjected">dy B, or none without an adapter.</param>
    private static Product PlusInputGradient(Product dx, in LinearWeight w, Tensor dy, Tensor dProjected)
    {
        dx = dx.Plus(Operand.Lines(dy), Operand.Columns(w.Weight), dy.Cols);
        if (w.Adapter.IsNone)
            return dx;
        LowRank adapter = w.Adapter;
        return dx.Plus(Operand.Lines(dProjected), Operand.Columns(adapter.A), adapter.A.Rows, adapter.Scale);
    }

    /// <returns>dy B, F32 [M, R], valid until the next call.</returns>
    private Tensor LowRankGradient(in LowRank adapter, Tensor dy)
    {
        Shape shape = new(dy.Rows, adapter.B.Cols);
        Tensor dProjected = new((nint)_lowRank.AtLeast(shape.Length * sizeof(float)), DType.F32, shape);
        _gemm.Multiply(Product.To(dProjected).Plus(Operand.Lines(dy), Operand.Columns(adapter.B), dy.Cols));
        return dProjected;
    }

    private static void RefuseDouble(Tensor tensor)
    {
        if (tensor.Type == DType.F64)
            throw new ArgumentException($"The cpu backend computes on F32 and BF16, not on {tensor}.");
    }
}
