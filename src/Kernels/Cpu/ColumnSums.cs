using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Sums over rows: the gradient of a bias.</summary>
internal static unsafe class ColumnSums
{
    /// <summary>Columns whose sums stay in registers while the rows are walked.</summary>
    public const int Group = 64;

    /// <summary>sums[c] += x[0, c], then x[1, c], and so on, for c in [start, end).</summary>
    /// <remarks>Lanes hold columns; each is one chain of additions in the order of rows.</remarks>
    /// <param name="stride">Elements from row to row.</param>
    public static void Add<TElement>(void* x, long rows, long stride, float* sums, long start, long end)
        where TElement : struct, IElement
    {
        long col = start;
        for (; col + Group <= end; col += Group)
            AddGroup<TElement>(x, rows, stride, sums, col);
        for (; col < end; col += 16)
        {
            int count = (int)Math.Min(16, end - col);
            Vector512<float> sum = SingleElement.Load(sums, col, count);
            for (long row = 0; row < rows; row++)
                sum += TElement.Load(x, row * stride + col, count);
            SingleElement.Store(sum, sums, col, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddGroup<TElement>(void* x, long rows, long stride, float* sums, long col)
        where TElement : struct, IElement
    {
        Vector512<float> a = Vector512.Load(sums + col), b = Vector512.Load(sums + col + 16);
        Vector512<float> c = Vector512.Load(sums + col + 32), d = Vector512.Load(sums + col + 48);
        for (long row = 0; row < rows; row++)
        {
            long at = row * stride + col;
            a += TElement.Load(x, at);
            b += TElement.Load(x, at + 16);
            c += TElement.Load(x, at + 32);
            d += TElement.Load(x, at + 48);
        }

        a.Store(sums + col);
        b.Store(sums + col + 16);
        c.Store(sums + col + 32);
        d.Store(sums + col + 48);
    }
}

public sealed unsafe partial class CpuBackend
{
    /// <summary>target += Σ rows of x, the columns shared by the workers.</summary>
    private void AddColumnSums(Tensor x, Tensor target)
    {
        if (IsSingle(x))
            AddColumnSums<SingleElement>((void*)x.Address, x.Rows, x.Cols, target);
        else
            AddColumnSums<BrainElement>((void*)x.Address, x.Rows, x.Cols, target);
    }

    private void AddColumnSums<TElement>(void* x, long rows, long stride, Tensor target)
        where TElement : struct, IElement =>
        _pool.RunRange(
            new ColumnSumsJob<TElement>(x, rows, stride, target.Length, (float*)target.Address),
            (target.Length + ColumnSums.Group - 1) / ColumnSums.Group);

    private readonly struct ColumnSumsJob<TElement>(void* x, long rows, long stride, long cols, float* sums) : IRangeJob
        where TElement : struct, IElement
    {
        public void Run(long start, long end, int worker) =>
            ColumnSums.Add<TElement>(
                x, rows, stride, sums, start * ColumnSums.Group, Math.Min(end * ColumnSums.Group, cols));
    }
}
