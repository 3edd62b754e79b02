namespace FastCpt.Kernels.Cpu;

/// <content>
/// Rows that predict something go through in groups, the vocabulary in stretches. Where gradients are wanted and a
/// group's logits for the whole vocabulary fit the memory, they are made once; else a first walk over the vocabulary
/// finds the sums of exponentials and a second makes the logits again. The bits are the same either way.
/// </content>
public sealed unsafe partial class CpuBackend
{
    /// <summary>Most rows of a group, and so few that the whole vocabulary at once is not worth it.</summary>
    private const long MostLossRows = 1024, FewLossRows = 96;

    /// <summary>Memory for copies of a group's rows of x and dx.</summary>
    private const long LossCopyBytes = 10L << 20;

    /// <summary>Memory for logits, the larger part of the 64 MiB that the op may take.</summary>
    internal long LogitBytes { get; init; } = 24L << 20;

    protected override void LinearCrossEntropyKernel(
        Tensor x, Tensor w, Tensor targets, float gradientScale, Tensor losses, Tensor dx, Tensor dw)
    {
        RefuseDouble(x);
        LossGroup group = PlanLoss(w, !dx.IsNone || !dw.IsNone);
        int* target = (int*)targets.Address;
        float* loss = (float*)losses.Address;
        for (long row = 0; row < x.Rows; row++)
        {
            loss[row] = 0;
            if (target[row] != IgnoredTarget)
                group.Rows[group.Count++] = new LossRow(row, target[row]);
            if (group.Count == 0 || (group.Count < group.MostRows && row + 1 < x.Rows))
                continue;
            LossOfGroup(group, x, w, gradientScale, dx, dw);
            for (int index = 0; index < group.Count; index++)
                loss[group.Rows[index].Row] = group.Rows[index].Loss;
            group.Count = 0;
        }
    }

    /// <summary>Rows that go together, an even number, and pieces of the vocabulary that do.</summary>
    private LossGroup PlanLoss(Tensor w, bool wantsGradient)
    {
        long rows = Math.Clamp(
            LossCopyBytes / (2 * sizeof(float) * Math.Max(w.Cols, 1)), FewLossRows, MostLossRows) / 2 * 2;
        long fitting = Math.Min(LogitBytes / (sizeof(float) * Math.Max(w.Rows, 1)), rows) / 2 * 2;
        LossGroup group = new() { MostRows = rows, Pieces = w.Rows };
        if (wantsGradient && fitting >= FewLossRows)
            group.MostRows = fitting;
        else
            group.Pieces = Math.Max(LogitBytes / (sizeof(float) * rows) / CrossEntropy.Block, 1) * CrossEntropy.Block;
        group.Rows = (LossRow*)ScratchOf(ScratchUse.LossRows, group.MostRows * sizeof(LossRow));
        return group;
    }

    private void LossOfGroup(LossGroup group, Tensor x, Tensor w, float gradientScale, Tensor dx, Tensor dw)
    {
        Tensor input = GatherRows(group, x, x.Type, ScratchUse.LossInput);
        Tensor gradient = dx.IsNone ? Tensor.None : GatherRows(group, dx, DType.F32, ScratchUse.LossGradient);
        bool wantsGradient = !dx.IsNone || !dw.IsNone, once = group.Pieces >= w.Rows;
        for (long start = 0; start < w.Rows; start += group.Pieces)
        {
            Tensor logits = Logits(input, w, start, group.Pieces);
            _pool.RunRange(new ObserveJob(group.Rows, logits, start), group.Count);
            if (wantsGradient && once)
                AddLossGradients(group, input, w, logits, start, gradientScale, gradient, dw);
        }

        for (long start = 0; start < w.Rows && wantsGradient && !once; start += group.Pieces)
        {
            Tensor logits = Logits(input, w, start, group.Pieces);
            AddLossGradients(group, input, w, logits, start, gradientScale, gradient, dw);
        }

        if (!dx.IsNone)
            ScatterRows(group, gradient, dx);
    }

    /// <returns>x Wᵀ [rows, pieces] for a stretch of the vocabulary, valid until the next.</returns>
    private Tensor Logits(Tensor input, Tensor w, long start, long most)
    {
        Tensor pieces = w.Slice(start, Math.Min(most, w.Rows - start));
        Tensor logits = ScratchTensor(ScratchUse.Logits, DType.F32, input.Rows, pieces.Rows);
        _gemm.Multiply(Product.To(logits).Plus(Operand.Lines(input), Operand.Lines(pieces), input.Cols));
        return logits;
    }

    /// <summary>Adds what a stretch of the vocabulary gives to dx and dw; overwrites the logits.</summary>
    /// <remarks>Where products go in pairs of BF16, the slopes are rounded to BF16 for them. dx sums over the whole
    /// vocabulary, so in links; stretches are multiples of them.</remarks>
    /// <param name="gradient">F32 [rows, C], or none.</param>
    private void AddLossGradients(
        LossGroup group, Tensor input, Tensor w, Tensor logits, long start, float gradientScale, Tensor gradient,
        Tensor dw)
    {
        bool pairs = _gemm.HasPairs && input.Type == DType.BF16 && w.Type == DType.BF16;
        if (pairs)
            _pool.RunRange(new SlopesJob<BrainElement>(group.Rows, logits, start, gradientScale), group.Count);
        else
            _pool.RunRange(new SlopesJob<SingleElement>(group.Rows, logits, start, gradientScale), group.Count);
        // Slopes lie at the start of their rows of logits, so rows of BF16 are twice as far apart.
        long stride = pairs ? 2 * logits.Cols : logits.Cols;
        DType type = pairs ? DType.BF16 : DType.F32;
        if (!dw.IsNone)
            _gemm.Multiply(Product.AddTo(dw.Slice(start, logits.Cols)).Plus(
                new Operand((void*)logits.Address, type, stride, along: false), Operand.Columns(input), input.Rows));
        if (!gradient.IsNone)
            _gemm.Multiply(Product.AddTo(gradient).Plus(
                new Operand((void*)logits.Address, type, stride, along: true),
                Operand.Columns(w.Slice(start, logits.Cols)), logits.Cols, inLinks: true));
    }

    /// <summary>A group's rows one after the other: where they lie, or else copies in the type asked for.</summary>
    private Tensor GatherRows(LossGroup group, Tensor x, DType type, ScratchUse use)
    {
        long first = group.Rows[0].Row;
        if (x.Type == type && group.Rows[group.Count - 1].Row - first + 1 == group.Count)
            return x.Slice(first, group.Count);
        Tensor copy = ScratchTensor(use, type, group.Count, x.Cols);
        for (int index = 0; index < group.Count; index++)
            CopyRow(x.Slice(group.Rows[index].Row, 1), copy.Slice(index, 1));
        return copy;
    }

    private static void ScatterRows(LossGroup group, Tensor gradient, Tensor dx)
    {
        if (gradient.Address == dx.Slice(group.Rows[0].Row, 1).Address)
            return;
        for (int index = 0; index < group.Count; index++)
            CopyRow(gradient.Slice(index, 1), dx.Slice(group.Rows[index].Row, 1));
    }

    private static void CopyRow(Tensor from, Tensor to)
    {
        if (from.Type == to.Type)
            Buffer.MemoryCopy((void*)from.Address, (void*)to.Address, to.Bytes, from.Bytes);
        else if (from.Type == DType.F32)
            Cpu.Convert.Run<SingleElement, BrainElement>((void*)from.Address, (void*)to.Address, 0, from.Cols);
        else
            Cpu.Convert.Run<BrainElement, SingleElement>((void*)from.Address, (void*)to.Address, 0, from.Cols);
    }

    private struct LossGroup
    {
        /// <summary>The rows so far; room for <see cref="MostRows"/>.</summary>
        public LossRow* Rows;

        public int Count;

        public long MostRows;

        /// <summary>Pieces of the vocabulary whose logits are held at once.</summary>
        public long Pieces;
    }

    private readonly struct ObserveJob(LossRow* rows, Tensor logits, long piece) : IRangeJob
    {
        public void Run(long start, long end, int worker)
        {
            for (long row = start; row < end; row++)
                CrossEntropy.Observe(
                    (float*)logits.Address + row * logits.Cols, piece, logits.Cols, ref rows[row]);
        }
    }

    private readonly struct SlopesJob<TElement>(LossRow* rows, Tensor logits, long piece, float gradientScale)
        : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker)
        {
            for (long row = start; row < end; row++)
                CrossEntropy.Slopes<TElement>(
                    (float*)logits.Address + row * logits.Cols, piece, logits.Cols, rows[row], gradientScale);
        }
    }
}
