namespace FastCpt.Kernels.Cpu;

/// <content>
/// Rows that predict something go through in groups, and for each the vocabulary in stretches, twice: first for the
/// sums of exponentials, then for the gradients. Where a group's logits for the whole vocabulary fit the memory, they
/// are kept from the first time; else they are made again. The bits are the same either way.
/// </content>
public sealed unsafe partial class CpuBackend
{
    /// <summary>Rows of a group are a multiple, so that two workers have as many whole tiles, and pairs of rows stay
    /// together.</summary>
    private const long LossRowUnit = 28;

    /// <summary>Most rows of a group. With fewer than the few, packing the weights for every group costs more than
    /// making the logits of larger groups a second time.</summary>
    private const long MostLossRows = 37 * LossRowUnit, FewLossRows = 5 * LossRowUnit;

    /// <summary>Memory for copies of a group's rows of x and dx.</summary>
    private const long LossCopyBytes = 10L << 20;

    /// <summary>Weights of a stretch: they and its logits stay in the last cache between the two gradients.</summary>
    private const long StretchValues = 2L << 20;

    /// <summary>Most blocks of pieces in a stretch.</summary>
    private const long MostStretchBlocks = 2;

    /// <summary>Memory for a stretch's logits, which are made twice.</summary>
    internal long LogitBytes { get; init; } = 10L << 20;

    /// <summary>Memory for the logits of a whole vocabulary.</summary>
    internal long KeptLogitBytes { get; init; } = 128L << 20;

    protected override void LinearCrossEntropyKernel(
        Tensor x, in LinearWeight w, Tensor targets, float gradientScale, Tensor losses, Tensor dx,
        in LinearGradient dw)
    {
        RefuseDouble(x);
        LinearGradient gradient = dw;
        int* target = (int*)targets.Address;
        float* loss = (float*)losses.Address;
        long predicting = 0;
        for (long row = 0; row < x.Rows; row++)
            predicting += target[row] != IgnoredTarget ? 1 : 0;
        LossGroup group = PlanLoss(w.Weight, !dx.IsNone || WantsAny(dw), predicting);
        if (!w.Bias.IsNone)
            group.Bias = Widened(w.Bias, (float*)ScratchOf(ScratchUse.Bias, w.Bias.Length * sizeof(float)));
        for (long row = 0; row < x.Rows; row++)
        {
            loss[row] = 0;
            if (target[row] != IgnoredTarget)
                group.Rows[group.Count++] = new LossRow(row, target[row]);
            if (group.Count == 0 || (group.Count < group.MostRows && row + 1 < x.Rows))
                continue;
            LossOfGroup(group, x, w.Weight, gradientScale, dx, gradient);
            gradient = gradient with { Overwrites = false };
            for (int index = 0; index < group.Count; index++)
                loss[group.Rows[index].Row] = group.Rows[index].Loss;
            group.Count = 0;
        }

        if (gradient.Overwrites)
            ClearUnwritten(dw); // no row predicts anything
    }

    private static bool WantsAny(in LinearGradient dw) => !dw.Weight.IsNone || !dw.Bias.IsNone;

    private void ClearUnwritten(in LinearGradient dw)
    {
        if (!dw.Weight.IsNone)
            FillKernel(0, dw.Weight);
        if (!dw.Bias.IsNone)
            FillKernel(0, dw.Bias);
    }

    /// <summary>Rows that go together, and pieces of the vocabulary that do.</summary>
    private LossGroup PlanLoss(Tensor w, bool wantsGradient, long predicting)
    {
        const int Block = CrossEntropy.Block;
        long stretch = Math.Clamp(StretchValues / (w.Cols * Block), 1, MostStretchBlocks) * Block;
        long rows = Math.Clamp(LossCopyBytes / (2 * sizeof(float) * w.Cols), FewLossRows, MostLossRows);
        long fitting = Math.Min(KeptLogitBytes / (sizeof(float) * LossGroup.StrideOf(w.Rows)), rows);
        LossGroup group = new() { KeepsAll = wantsGradient && fitting >= FewLossRows };
        if (group.KeepsAll)
            rows = fitting;
        else
            stretch = Math.Clamp(LogitBytes / (sizeof(float) * rows) / Block * Block, Block, stretch);
        // Groups of about equal size, the last one no tail.
        rows = rows / LossRowUnit * LossRowUnit;
        long groups = Math.Max((predicting + rows - 1) / rows, 1), even = (predicting + groups - 1) / groups;
        group.MostRows = Math.Max((even + LossRowUnit - 1) / LossRowUnit, 1) * LossRowUnit;
        group.Stretch = Math.Min(stretch, w.Rows);
        group.Rows = (LossRow*)ScratchOf(ScratchUse.LossRows, group.MostRows * sizeof(LossRow));
        long kept = group.KeepsAll ? (w.Rows + group.Stretch - 1) / group.Stretch : 1;
        group.Logits = (float*)ScratchOf(ScratchUse.Logits, kept * group.StretchFloats * sizeof(float));
        return group;
    }

    private void LossOfGroup(
        LossGroup group, Tensor x, Tensor w, float gradientScale, Tensor dx, in LinearGradient dw)
    {
        Tensor input = GatherRows(group, x, x.Type, ScratchUse.LossInput);
        Tensor gradient = dx.IsNone ? Tensor.None : GatherRows(group, dx, DType.F32, ScratchUse.LossGradient);
        for (long start = 0; start < w.Rows; start += group.Stretch)
        {
            MakeLogits(group, input, w, start);
            _pool.RunRange(new ObserveJob(group, start, w.Rows), group.Count);
        }

        for (long start = 0; start < w.Rows && (!dx.IsNone || WantsAny(dw)); start += group.Stretch)
        {
            if (!group.KeepsAll && w.Rows > group.Stretch)
                MakeLogits(group, input, w, start);
            AddLossGradients(group, input, w, start, gradientScale, gradient, dw);
        }

        if (!dx.IsNone)
            ScatterRows(group, gradient, dx);
    }

    /// <summary>x Wᵀ + bias [rows, pieces] for a stretch of the vocabulary.</summary>
    private void MakeLogits(LossGroup group, Tensor input, Tensor w, long start)
    {
        Tensor pieces = w.Slice(start, group.PiecesAt(start, w.Rows));
        Product product = new()
        {
            Rows = input.Rows,
            Cols = pieces.Rows,
            Output = group.LogitsAt(start),
            OutputType = DType.F32,
            OutputStride = group.Stride,
            Bias = group.Bias == null ? null : group.Bias + start,
        };
        _gemm.Multiply(product.Plus(Operand.Lines(input), Operand.Lines(pieces), input.Cols));
    }

    /// <summary>Adds what a stretch of the vocabulary gives to dx, dw and the bias's; overwrites the logits.</summary>
    /// <remarks>Where products go in pairs of BF16, the slopes are rounded to BF16 for them. dx sums over the whole
    /// vocabulary, so in links; stretches are multiples of them.</remarks>
    /// <param name="gradient">F32 [rows, C], or none.</param>
    private void AddLossGradients(
        LossGroup group, Tensor input, Tensor w, long start, float gradientScale, Tensor gradient,
        in LinearGradient dw)
    {
        bool pairs = _gemm.HasPairs && input.Type == DType.BF16 && w.Type == DType.BF16;
        if (pairs)
            _pool.RunRange(new SlopesJob<BrainElement>(group, start, w.Rows, gradientScale), group.Count);
        else
            _pool.RunRange(new SlopesJob<SingleElement>(group, start, w.Rows, gradientScale), group.Count);
        // Slopes lie at the start of their rows of logits, so rows of BF16 are twice as far apart.
        long stride = pairs ? 2 * group.Stride : group.Stride, pieces = group.PiecesAt(start, w.Rows);
        DType type = pairs ? DType.BF16 : DType.F32;
        if (!dw.Bias.IsNone)
            AddSlopes(
                group, start, type, stride, dw.Overwrites,
                dw.Bias.Reshape(new Shape(w.Rows, 1)).Slice(start, pieces));
        if (!dw.Weight.IsNone)
            _gemm.Multiply(Into(dw.Weight.Slice(start, pieces), dw.Overwrites).Plus(
                new Operand(group.LogitsAt(start), type, stride, along: false), Operand.Columns(input), input.Rows));
        if (!gradient.IsNone)
            _gemm.Multiply(Product.AddTo(gradient).Plus(
                new Operand(group.LogitsAt(start), type, stride, along: true),
                Operand.Columns(w.Slice(start, pieces)), pieces, inLinks: true));
    }

    /// <summary>dBias (+)= Σ rows of slopes.</summary>
    private void AddSlopes(LossGroup group, long start, DType type, long stride, bool overwrites, Tensor dBias)
    {
        if (overwrites)
            FillKernel(0, dBias);
        if (type == DType.BF16)
            AddColumnSums<BrainElement>(group.LogitsAt(start), group.Count, stride, dBias);
        else
            AddColumnSums<SingleElement>(group.LogitsAt(start), group.Count, stride, dBias);
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

        /// <summary>Pieces of the vocabulary that go together: whole blocks, or all.</summary>
        public long Stretch;

        /// <summary>Whether the logits of all stretches are held, one after the other, or of one.</summary>
        public bool KeepsAll;

        public float* Logits;

        /// <summary>F32 [V], or null.</summary>
        public float* Bias;

        /// <summary>Floats from one row of a stretch's logits to the next.</summary>
        public readonly long Stride => StrideOf(Stretch);

        public readonly long StretchFloats => MostRows * Stride;

        /// <summary>Off the powers of two, at which a column of rows falls into the same few cache lines.</summary>
        public static long StrideOf(long pieces) => (pieces + 15) / 16 * 16 + 16;

        public readonly float* LogitsAt(long start) => Logits + (KeepsAll ? start / Stretch * StretchFloats : 0);

        public readonly long PiecesAt(long start, long vocabulary) => Math.Min(Stretch, vocabulary - start);
    }

    private readonly struct ObserveJob(LossGroup group, long piece, long vocabulary) : IRangeJob
    {
        public void Run(long start, long end, int worker)
        {
            for (long row = start; row < end; row++)
                CrossEntropy.Observe(
                    group.LogitsAt(piece) + row * group.Stride, piece, group.PiecesAt(piece, vocabulary),
                    ref group.Rows[row]);
        }
    }

    private readonly struct SlopesJob<TElement>(LossGroup group, long piece, long vocabulary, float gradientScale)
        : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker)
        {
            for (long row = start; row < end; row++)
                CrossEntropy.Slopes<TElement>(
                    group.LogitsAt(piece) + row * group.Stride, piece, group.PiecesAt(piece, vocabulary),
                    group.Rows[row], gradientScale);
        }
    }
}
