using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Mean and variance normalization of rows; lanes hold neighbouring columns.</summary>
/// <remarks>A sum over a row is one chain of groups of 16 columns; the variance is taken about the mean in a second
/// pass over the row, without cancellation.</remarks>
internal static unsafe class LayerNorm
{
    /// <summary>y = (x − mean) · rstd · w + b for rows [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TElement>(
        void* x, float* w, float* b, float eps, void* y, float* mean, float* rstd, long cols, long start, long end)
        where TElement : IElement
    {
        for (long row = start; row < end; row++)
        {
            long at = row * cols;
            Vector512<float> sum = Vector512<float>.Zero, squares = Vector512<float>.Zero;
            for (long col = 0; col < cols; col += 16)
                sum += Row.Load<TElement>(x, at, col, cols);
            mean[row] = VectorMath.Sum(sum) / cols;
            Vector512<float> center = Vector512.Create(mean[row]);
            for (long col = 0; col < cols; col += 16)
            {
                Vector512<float> off = Row.Within(Row.Load<TElement>(x, at, col, cols) - center, col, cols);
                squares = Vector512.FusedMultiplyAdd(off, off, squares);
            }

            rstd[row] = 1 / MathF.Sqrt(VectorMath.Sum(squares) / cols + eps);
            Vector512<float> scales = Vector512.Create(rstd[row]);
            for (long col = 0; col < cols; col += 16)
            {
                Vector512<float> n = (Row.Load<TElement>(x, at, col, cols) - center) * scales;
                n = Vector512.FusedMultiplyAdd(
                    n, Row.Load<SingleElement>(w, 0, col, cols), Row.Load<SingleElement>(b, 0, col, cols));
                Row.Store<TElement>(n, y, at, col, cols);
            }
        }
    }

    /// <summary>dx += rstd · (h − mean(h) − n · mean(h · n)), n = (x − mean) · rstd, h = dy · w.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void InputGradient<TElement>(
        void* x, float* w, float* mean, float* rstd, void* dy, void* dx, long cols, long start, long end)
        where TElement : IElement
    {
        for (long row = start; row < end; row++)
        {
            long at = row * cols;
            Vector512<float> center = Vector512.Create(mean[row]), scales = Vector512.Create(rstd[row]);
            Vector512<float> sum = Vector512<float>.Zero, dot = Vector512<float>.Zero;
            for (long col = 0; col < cols; col += 16)
            {
                // h is 0 beyond the row, so what n holds there does not count.
                Vector512<float> h =
                    Row.Load<TElement>(dy, at, col, cols) * Row.Load<SingleElement>(w, 0, col, cols);
                sum += h;
                Vector512<float> n = (Row.Load<TElement>(x, at, col, cols) - center) * scales;
                dot = Vector512.FusedMultiplyAdd(h, n, dot);
            }

            Vector512<float> meanSum = Vector512.Create(VectorMath.Sum(sum) / cols);
            Vector512<float> meanDot = Vector512.Create(-(VectorMath.Sum(dot) / cols));
            for (long col = 0; col < cols; col += 16)
            {
                Vector512<float> h =
                    Row.Load<TElement>(dy, at, col, cols) * Row.Load<SingleElement>(w, 0, col, cols);
                Vector512<float> n = (Row.Load<TElement>(x, at, col, cols) - center) * scales;
                h = Vector512.FusedMultiplyAdd(n, meanDot, h - meanSum);
                Row.Store<TElement>(
                    Vector512.FusedMultiplyAdd(h, scales, Row.Load<TElement>(dx, at, col, cols)), dx, at, col, cols);
            }
        }
    }

    /// <summary>Over rows [start, end), in order: weightSums[c] = Σ dy · n and biasSums[c] = Σ dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WeightGradient<TElement>(
        void* x, float* mean, float* rstd, void* dy, float* weightSums, float* biasSums, long cols, long start,
        long end)
        where TElement : IElement
    {
        new Span<float>(weightSums, checked((int)cols)).Clear();
        new Span<float>(biasSums, checked((int)cols)).Clear();
        for (long row = start; row < end; row++)
        {
            long at = row * cols;
            Vector512<float> center = Vector512.Create(mean[row]), scales = Vector512.Create(rstd[row]);
            for (long col = 0; col < cols; col += 16)
            {
                Vector512<float> dOutput = Row.Load<TElement>(dy, at, col, cols);
                Vector512<float> n = (Row.Load<TElement>(x, at, col, cols) - center) * scales;
                n = Vector512.FusedMultiplyAdd(dOutput, n, Row.Load<SingleElement>(weightSums, 0, col, cols));
                Row.Store<SingleElement>(n, weightSums, 0, col, cols);
                Row.Store<SingleElement>(
                    Row.Load<SingleElement>(biasSums, 0, col, cols) + dOutput, biasSums, 0, col, cols);
            }
        }
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void LayerNormKernel(
        Tensor x, Tensor w, Tensor b, float eps, Tensor y, Tensor mean, Tensor rstd)
    {
        if (IsSingle(x))
            LayerNorm<SingleElement>(x, w, b, eps, y, mean, rstd);
        else
            LayerNorm<BrainElement>(x, w, b, eps, y, mean, rstd);
    }

    protected override void LayerNormBackwardKernel(
        Tensor x, Tensor w, Tensor mean, Tensor rstd, Tensor dy, Tensor dx, Tensor dw, Tensor db)
    {
        if (IsSingle(x))
            LayerNormBackward<SingleElement>(x, w, mean, rstd, dy, dx, dw, db);
        else
            LayerNormBackward<BrainElement>(x, w, mean, rstd, dy, dx, dw, db);
    }

    private void LayerNorm<TElement>(Tensor x, Tensor w, Tensor b, float eps, Tensor y, Tensor mean, Tensor rstd)
        where TElement : IElement
    {
        float* scratch = (float*)WorkerScratch(0, (2 * x.Cols + 16) * sizeof(float));
        LayerNormJob<TElement> job = new(
            (void*)x.Address, Widened(w, scratch), Widened(b, scratch + x.Cols), eps, (void*)y.Address,
            (float*)mean.Address, (float*)rstd.Address, x.Cols);
        _pool.RunRange(job, x.Rows, LeastRows(x.Cols));
    }

    private void LayerNormBackward<TElement>(
        Tensor x, Tensor w, Tensor mean, Tensor rstd, Tensor dy, Tensor dx, Tensor dw, Tensor db)
        where TElement : IElement
    {
        long blocks = RowSums.Blocks(x.Rows);
        float* scratch = (float*)WorkerScratch(0, ((2 * blocks + 1) * x.Cols + 16) * sizeof(float));
        float* weight = Widened(w, scratch), weightSums = scratch + x.Cols;
        float* biasSums = weightSums + blocks * x.Cols;
        bool sums = !dw.IsNone || !db.IsNone;
        LayerNormBackwardJob<TElement> job = new(
            (void*)x.Address, weight, (float*)mean.Address, (float*)rstd.Address, (void*)dy.Address,
            (void*)dx.Address, sums ? weightSums : null, biasSums, x.Rows, x.Cols);
        _pool.RunRange(job, blocks);
        if (!dw.IsNone)
            AddRowSums(weightSums, blocks, dw);
        if (!db.IsNone)
            AddRowSums(biasSums, blocks, db);
    }

    private readonly struct LayerNormJob<TElement>(
        void* x, float* w, float* b, float eps, void* y, float* mean, float* rstd, long cols) : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker) =>
            Cpu.LayerNorm.Forward<TElement>(x, w, b, eps, y, mean, rstd, cols, start, end);
    }

    private readonly struct LayerNormBackwardJob<TElement>(
        void* x, float* w, float* mean, float* rstd, void* dy, void* dx, float* weightSums, float* biasSums,
        long rows, long cols) : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker)
        {
            for (long block = start; block < end; block++)
            {
                long first = block * RowSums.Block, stop = Math.Min(first + RowSums.Block, rows);
                if (weightSums != null)
                    Cpu.LayerNorm.WeightGradient<TElement>(
                        x, mean, rstd, dy, weightSums + block * cols, biasSums + block * cols, cols, first, stop);
                if (dx != null)
                    Cpu.LayerNorm.InputGradient<TElement>(x, w, mean, rstd, dy, dx, cols, first, stop);
            }
        }
    }
}
