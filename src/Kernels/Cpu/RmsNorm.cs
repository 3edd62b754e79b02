using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Root-mean-square normalization of rows; lanes hold neighbouring columns.</summary>
/// <remarks>A sum over a row has two chains, of even and of odd groups of 16 columns, added at the end.</remarks>
internal static unsafe class RmsNorm
{
    /// <summary>y = x · rstd · (offset + w), rstd = 1/√(mean(x²) + eps), for rows [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TElement>(
        void* x, float* w, float offset, float eps, void* y, float* rstd, long cols, long start, long end)
        where TElement : IElement
    {
        Vector512<float> offsets = Vector512.Create(offset);
        for (long row = start; row < end; row++)
        {
            long at = row * cols;
            Vector512<float> even = Vector512<float>.Zero, odd = Vector512<float>.Zero;
            for (long col = 0; col < cols; col += 32)
            {
                Vector512<float> part = Row.Load<TElement>(x, at, col, cols);
                even = Vector512.FusedMultiplyAdd(part, part, even);
                if (col + 16 >= cols)
                    break;
                part = Row.Load<TElement>(x, at, col + 16, cols);
                odd = Vector512.FusedMultiplyAdd(part, part, odd);
            }

            rstd[row] = 1 / MathF.Sqrt(VectorMath.Sum(even + odd) / cols + eps);
            Vector512<float> scales = Vector512.Create(rstd[row]);
            for (long col = 0; col < cols; col += 16)
            {
                Vector512<float> weight = offsets + Row.Load<SingleElement>(w, 0, col, cols);
                Row.Store<TElement>(Row.Load<TElement>(x, at, col, cols) * scales * weight, y, at, col, cols);
            }
        }
    }

    /// <summary>dx += rstd · (h − x · rstd² · mean(h · x)), h = dy · (offset + w), for rows [start, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void InputGradient<TElement>(
        void* x, float* w, float offset, float* rstd, void* dy, void* dx, long cols, long start, long end)
        where TElement : IElement
    {
        Vector512<float> offsets = Vector512.Create(offset);
        for (long row = start; row < end; row++)
        {
            long at = row * cols;
            Vector512<float> even = Vector512<float>.Zero, odd = Vector512<float>.Zero;
            for (long col = 0; col < cols; col += 32)
            {
                Vector512<float> h = Scaled<TElement>(dy, at, w, offsets, col, cols);
                even = Vector512.FusedMultiplyAdd(h, Row.Load<TElement>(x, at, col, cols), even);
                if (col + 16 >= cols)
                    break;
                h = Scaled<TElement>(dy, at, w, offsets, col + 16, cols);
                odd = Vector512.FusedMultiplyAdd(h, Row.Load<TElement>(x, at, col + 16, cols), odd);
            }

            float scale = rstd[row];
            Vector512<float> scales = Vector512.Create(scale);
            Vector512<float> shared = Vector512.Create(-(scale * scale * (VectorMath.Sum(even + odd) / cols)));
            for (long col = 0; col < cols; col += 16)
            {
                Vector512<float> h = Scaled<TElement>(dy, at, w, offsets, col, cols);
                h = Vector512.FusedMultiplyAdd(Row.Load<TElement>(x, at, col, cols), shared, h);
                Row.Store<TElement>(
                    Vector512.FusedMultiplyAdd(h, scales, Row.Load<TElement>(dx, at, col, cols)), dx, at, col, cols);
            }
        }
    }

    /// <summary>sums[c] = Σ over rows [start, end), in order, of dy · x · rstd.</summary>
    /// <remarks>Sums of a group of columns stay in registers while its rows are walked: kept in memory, their stores
    /// would hold up loads of rows that lie at the same place of another page.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WeightGradient<TElement>(
        void* x, float* rstd, void* dy, float* sums, long cols, long start, long end)
        where TElement : IElement
    {
        long col = 0;
        for (; col + 64 <= cols; col += 64)
        {
            Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
            for (long row = start; row < end; row++)
            {
                long at = row * cols + col;
                Vector512<float> scales = Vector512.Create(rstd[row]);
                a = Vector512.FusedMultiplyAdd(TElement.Load(dy, at), TElement.Load(x, at) * scales, a);
                b = Vector512.FusedMultiplyAdd(TElement.Load(dy, at + 16), TElement.Load(x, at + 16) * scales, b);
                c = Vector512.FusedMultiplyAdd(TElement.Load(dy, at + 32), TElement.Load(x, at + 32) * scales, c);
                d = Vector512.FusedMultiplyAdd(TElement.Load(dy, at + 48), TElement.Load(x, at + 48) * scales, d);
            }

            a.Store(sums + col);
            b.Store(sums + col + 16);
            c.Store(sums + col + 32);
            d.Store(sums + col + 48);
        }

        for (; col < cols; col += 16)
        {
            Vector512<float> sum = Vector512<float>.Zero;
            for (long row = start; row < end; row++)
                sum = Vector512.FusedMultiplyAdd(
                    Row.Load<TElement>(dy, row * cols, col, cols),
                    Row.Load<TElement>(x, row * cols, col, cols) * Vector512.Create(rstd[row]), sum);
            Row.Store<SingleElement>(sum, sums, 0, col, cols);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scaled<TElement>(
        void* dy, long at, float* w, Vector512<float> offsets, long col, long cols)
        where TElement : IElement =>
        Row.Load<TElement>(dy, at, col, cols) * (offsets + Row.Load<SingleElement>(w, 0, col, cols));
}

public sealed unsafe partial class CpuBackend
{
    protected override void RmsNormKernel(Tensor x, Tensor w, float offset, float eps, Tensor y, Tensor rstd)
    {
        if (IsSingle(x))
            RmsNorm<SingleElement>(x, w, offset, eps, y, rstd);
        else
            RmsNorm<BrainElement>(x, w, offset, eps, y, rstd);
    }

    protected override void RmsNormBackwardKernel(
        Tensor x, Tensor w, float offset, Tensor rstd, Tensor dy, Tensor dx, Tensor dw)
    {
        if (IsSingle(x))
            RmsNormBackward<SingleElement>(x, w, offset, rstd, dy, dx, dw);
        else
            RmsNormBackward<BrainElement>(x, w, offset, rstd, dy, dx, dw);
    }

    private void RmsNorm<TElement>(Tensor x, Tensor w, float offset, float eps, Tensor y, Tensor rstd)
        where TElement : IElement
    {
        float* weight = Widened(w, (float*)WorkerScratch(0, (x.Cols + 16) * sizeof(float)));
        RmsNormJob<TElement> job = new(
            (void*)x.Address, weight, offset, eps, (void*)y.Address, (float*)rstd.Address, x.Cols);
        _pool.RunRange(job, x.Rows, LeastRows(x.Cols));
    }

    private void RmsNormBackward<TElement>(
        Tensor x, Tensor w, float offset, Tensor rstd, Tensor dy, Tensor dx, Tensor dw)
        where TElement : IElement
    {
        long blocks = RowSums.Blocks(x.Rows);
        float* scratch = (float*)WorkerScratch(0, ((blocks + 1) * x.Cols + 16) * sizeof(float));
        float* weight = Widened(w, scratch), sums = scratch + x.Cols;
        RmsNormBackwardJob<TElement> job = new(
            (void*)x.Address, weight, offset, (float*)rstd.Address, (void*)dy.Address, (void*)dx.Address,
            dw.IsNone ? null : sums, x.Rows, x.Cols);
        _pool.RunRange(job, blocks);
        if (!dw.IsNone)
            AddRowSums(sums, blocks, dw);
    }

    private readonly struct RmsNormJob<TElement>(
        void* x, float* w, float offset, float eps, void* y, float* rstd, long cols) : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker) =>
            Cpu.RmsNorm.Forward<TElement>(x, w, offset, eps, y, rstd, cols, start, end);
    }

    private readonly struct RmsNormBackwardJob<TElement>(
        void* x, float* w, float offset, float* rstd, void* dy, void* dx, float* sums, long rows, long cols)
        : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker)
        {
            for (long block = start; block < end; block++)
            {
                long first = block * RowSums.Block, stop = Math.Min(first + RowSums.Block, rows);
                // Goes along the rows, so the other one finds them in the second-level cache.
                if (dx != null)
                    Cpu.RmsNorm.InputGradient<TElement>(x, w, offset, rstd, dy, dx, cols, first, stop);
                if (sums != null)
                    Cpu.RmsNorm.WeightGradient<TElement>(x, rstd, dy, sums + block * cols, cols, first, stop);
            }
        }
    }
}
