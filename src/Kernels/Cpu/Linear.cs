namespace FastCpt.Kernels.Cpu;

public sealed unsafe partial class CpuBackend
{
    protected override void LinearKernel(Tensor x, in LinearWeight w, Tensor y) =>
        LinearResidualKernel(x, w, Tensor.None, y);

    /// <remarks>The low-rank term goes on in the same sums, so that a BF16 dx is rounded once.</remarks>
    protected override void LinearBackwardKernel(
        Tensor x, in LinearWeight w, Tensor dy, InputGradient dx, in LinearGradient dw)
    {
        RefuseDouble(x);
        Tensor dProjected = NeedsLowRank(w, dx.Value, dw)
            ? ProjectGradient(w.Adapter, dy, ScratchUse.LowRank) : Tensor.None;
        AddWeightGradients(x, w, dy, dProjected, dw);
        if (!dx.IsNone)
            _gemm.Multiply(PlusInputGradient(Into(dx.Value, dx.Overwrites), w, dy, dProjected, _rowTerms));
    }

    /// <summary>Gradients of weight, bias and adapter, as far as they are wanted.</summary>
    /// <param name="dProjected">scale · dy B, where dA or the gradient of the adapter's input is wanted.</param>
    private void AddWeightGradients(
        Tensor x, in LinearWeight w, Tensor dy, Tensor dProjected, in LinearGradient dw)
    {
        if (!dw.Weight.IsNone)
            _gemm.Multiply(Into(dw.Weight, dw.Overwrites).Plus(Operand.Columns(dy), Operand.Columns(x), x.Rows));
        if (!dw.Bias.IsNone && dw.Overwrites)
            FillKernel(0, dw.Bias);
        if (!dw.Bias.IsNone)
            AddColumnSums(dy, dw.Bias);
        for (int index = 0; index < w.Adapter.PartCount; index++)
            AddLowRankGradients(x, w.Adapter, index, dy, dProjected, dw);
        _thin.Differentiate();
    }

    /// <summary>Gradients of one term's A and B, and its share of that of the adapter's own input.</summary>
    private void AddLowRankGradients(
        Tensor x, in LowRank adapter, int index, Tensor dy, Tensor dProjected, in LinearGradient dw)
    {
        LowRankPart part = adapter.Part(index, x.Rows);
        LowRankGradient gradient = adapter.GradientOf(index, dw);
        bool overwrites = gradient.Overwrites && part.Skipped == 0; // not what an earlier block of rows wrote
        if (part.Rows == 0 && !overwrites)
            return;
        if (!gradient.B.IsNone)
            AddThinGradient(
                adapter.ProjectedOf(part), dy.Slice(part.Start, part.Rows), overwrites, turned: true, gradient.B);
        if (gradient.A.IsNone && dw.Input.IsNone)
            return;
        Tensor dPart = adapter.Carve(dProjected, part);
        if (!gradient.A.IsNone)
            AddThinGradient(
                dPart, adapter.InputOr(x).Slice(part.Start, part.Rows), overwrites, turned: false, gradient.A);
        if (!dw.Input.IsNone)
            _gemm.Multiply(Product.AddTo(dw.Input.Slice(part.Start, part.Rows)).Plus(
                Operand.Lines(dPart), Operand.Columns(part.A), part.A.Rows));
    }

    /// <summary>gradient (+)= thinᵀ wide, or, turned, wideᵀ thin: at once, or with those of other rows.</summary>
    private void AddThinGradient(Tensor thin, Tensor wide, bool overwrites, bool turned, Tensor gradient)
    {
        if (_thin.Serves(thin.Type, wide.Type))
            _thin.AddGradient(thin, wide, turned, overwrites, gradient);
        else if (turned)
            _gemm.Multiply(Into(gradient, overwrites).Plus(
                Operand.Columns(wide), Operand.Columns(thin), thin.Rows));
        else
            _gemm.Multiply(Into(gradient, overwrites).Plus(
                Operand.Columns(thin), Operand.Columns(wide), thin.Rows));
    }

    private static Product Into(Tensor gradient, bool overwrites) =>
        overwrites ? Product.To(gradient) : Product.AddTo(gradient);

    /// <summary>The terms dy W and scale · (dy B) A.</summary>
    /// <param name="dProjected">scale · dy B, or none without an adapter.</param>
    /// <param name="rows">Filled.</param>
    private static Product PlusInputGradient(
        Product dx, in LinearWeight w, Tensor dy, Tensor dProjected, RowTerms rows)
    {
        Operand weight = Operand.Columns(w.Weight);
        if (dy.Type == w.Weight.Type)
            weight = weight.WithPacked(w.Packed.Backward);
        dx = dx.Plus(Operand.Lines(dy), weight, dy.Cols);
        LowRank adapter = w.Adapter;
        if (adapter.IsNone || !adapter.Input.IsNone)
            return dx;
        rows.Clear();
        for (int index = 0; index < adapter.PartCount; index++)
        {
            LowRankPart part = adapter.Part(index, dy.Rows);
            rows.Add(new RowTerm(
                part.Start, part.Rows, Operand.Lines(adapter.Carve(dProjected, part)), Operand.Columns(part.A),
                part.A.Rows));
        }

        return dx.Plus(rows);
    }

    private static bool NeedsLowRank(in LinearWeight w, Tensor dx, in LinearGradient dw)
    {
        Tensor dInput = w.Adapter.Input.IsNone ? dx : dw.Input;
        bool needs = !w.Adapter.IsNone && !dInput.IsNone;
        for (int index = 0; index < w.Adapter.PartCount && !needs; index++)
            needs = !w.Adapter.GradientOf(index, dw).A.IsNone;
        return needs;
    }

    /// <returns>scale · dy B [M, R] of every term, in the memory given; BF16 where that goes in pairs.</returns>
    private Tensor ProjectGradient(in LowRank adapter, Tensor dy, ScratchUse use)
    {
        DType type = _gemm.HasPairs ? dy.Type : DType.F32;
        Tensor dProjected = ScratchTensor(use, type, dy.Rows, adapter.Rank);
        for (int index = 0; index < adapter.PartCount; index++)
        {
            LowRankPart part = adapter.Part(index, dy.Rows);
            Project(
                dy.Slice(part.Start, part.Rows), Operand.Columns(part.B), part.Scale,
                adapter.Carve(dProjected, part));
        }

        _thin.Project();
        return dProjected;
    }

    /// <summary>output [M, R] = scale · wide · thin, where each sum is scaled before it is rounded: at once, or with
    /// those of other rows.</summary>
    /// <param name="thin">R lines.</param>
    private void Project(Tensor wide, Operand thin, float scale, Tensor output)
    {
        if (wide.Rows == 0)
            return;
        if (_thin.Serves(wide.Type, thin.Type) && (wide.Type == DType.F32 || wide.Cols % 2 == 0))
        {
            _thin.AddProjection(wide, thin, scale, output);
            return;
        }

        Tensor sums = output.Type == DType.F32
            ? output : ScratchTensor(ScratchUse.ThinSums, DType.F32, output.Rows, output.Cols);
        _gemm.Multiply(Product.To(sums).Plus(Operand.Lines(wide), thin, wide.Cols));
        if (output.Type == DType.F32)
            ThinProducts.Scaled<SingleElement>((float*)sums.Address, scale, (void*)output.Address, sums.Length);
        else
            ThinProducts.Scaled<BrainElement>((float*)sums.Address, scale, (void*)output.Address, sums.Length);
    }

    public override long PackedFloats(Tensor w, WeightSide side) =>
        side == WeightSide.Forward
            ? _gemm.PackedFloats(Operand.Lines(w), w.Rows, w.Cols)
            : _gemm.PackedFloats(Operand.Columns(w), w.Cols, w.Rows);

    protected override void PackWeightKernel(Tensor w, WeightSide side, Tensor packed)
    {
        if (side == WeightSide.Forward)
            _gemm.Pack(Operand.Lines(w), w.Rows, w.Cols, (float*)packed.Address);
        else
            _gemm.Pack(Operand.Columns(w), w.Cols, w.Rows, (float*)packed.Address);
    }

    private static void RefuseDouble(Tensor tensor)
    {
        if (tensor.Type == DType.F64)
            throw new ArgumentException($"The cpu backend computes on F32 and BF16, not on {tensor}.");
    }
}
