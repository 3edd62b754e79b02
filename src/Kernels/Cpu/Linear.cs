namespace FastCpt.Kernels.Cpu;

public sealed unsafe partial class CpuBackend
{
    protected override void LinearKernel(Tensor x, in LinearWeight w, Tensor y) =>
        LinearResidualKernel(x, w, Tensor.None, y);

    /// <remarks>
    /// The low-rank term goes on in the same sums, so that a BF16 dx is rounded once; dy B stays F32.
    /// </remarks>
    protected override void LinearBackwardKernel(
        Tensor x, in LinearWeight w, Tensor dy, Tensor dx, in LinearGradient dw)
    {
        RefuseDouble(x);
        Tensor dProjected = NeedsLowRank(w, dx, dw) ? LowRankGradient(w.Adapter, dy, ScratchUse.LowRank) : Tensor.None;
        AddWeightGradients(x, w, dy, dProjected, dw);
        if (!dx.IsNone)
            _gemm.Multiply(PlusInputGradient(Product.AddTo(dx), w, dy, dProjected));
    }

    /// <summary>Gradients of weight, bias and adapter, as far as they are wanted.</summary>
    /// <param name="dProjected">dy B, where dA is wanted.</param>
    private void AddWeightGradients(
        Tensor x, in LinearWeight w, Tensor dy, Tensor dProjected, in LinearGradient dw)
    {
        if (!dw.Weight.IsNone)
            _gemm.Multiply(Into(dw.Weight, dw.Overwrites).Plus(Operand.Columns(dy), Operand.Columns(x), x.Rows));
        if (!dw.Bias.IsNone && dw.Overwrites)
            FillKernel(0, dw.Bias);
        if (!dw.Bias.IsNone)
            AddColumnSums(dy, dw.Bias);
        if (!dw.B.IsNone)
            _gemm.Multiply(Into(dw.B, dw.Overwrites).Plus(
                Operand.Columns(dy), Operand.Columns(w.Adapter.Projected), x.Rows, w.Adapter.Scale));
        if (!dw.A.IsNone)
            _gemm.Multiply(Into(dw.A, dw.Overwrites).Plus(
                Operand.Columns(dProjected), Operand.Columns(x), x.Rows, w.Adapter.Scale));
    }

    private static Product Into(Tensor gradient, bool overwrites) =>
        overwrites ? Product.To(gradient) : Product.AddTo(gradient);

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

    private static bool NeedsLowRank(in LinearWeight w, Tensor dx, in LinearGradient dw) =>
        !w.Adapter.IsNone && !(dx.IsNone && dw.A.IsNone);

    /// <returns>dy B, F32 [M, R], in the memory given.</returns>
    private Tensor LowRankGradient(in LowRank adapter, Tensor dy, ScratchUse use)
    {
        Tensor dProjected = ScratchTensor(use, DType.F32, dy.Rows, adapter.B.Cols);
        _gemm.Multiply(Product.To(dProjected).Plus(Operand.Lines(dy), Operand.Columns(adapter.B), dy.Cols));
        return dProjected;
    }

    private static void RefuseDouble(Tensor tensor)
    {
        if (tensor.Type == DType.F64)
            throw new ArgumentException($"The cpu backend computes on F32 and BF16, not on {tensor}.");
    }
}
