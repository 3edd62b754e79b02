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
    /// <param name="x">[rows, cols].</param>
    public static void Add<TElement>(void* x, long rows, long cols, float* sums, long start, long end)
        where TElement : struct, IElement
    {
        long col = start;
        for (; col + Group <= end; col += Group)
            AddGroup<TElement>(x, rows, cols, sums, col);
        for (; col < end; col += 16)
        {
            int count = (int)Math.Min(16, end - col);
            Vector512<float> sum = SingleElement.Load(sums, col, count);
            for (long row = 0; row < rows; row++)
                sum += TElement.Load(x, row * cols + col, count);
            SingleElement.Store(sum, sums, col, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddGroup<TElement>(void* x, long rows, long cols, float* sums, long col)
        where TElement : struct, IElement
    {
        Vector512<float> a = Vector512.Load(sums + col), b = Vector512.Load(sums + col + 16);
        Vector512<float> c = Vector512.Load(sums + col + 32), d = Vector512.Load(sums + col + 48);
        for (long row = 0; row < rows; row++)
        {
            long at = row * cols + col;
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
            AddColumnSums<SingleElement>(x, target);
        else
            AddColumnSums<BrainElement>(x, target);
    }

    private void AddColumnSums<TElement>(Tensor x, Tensor target)
        where TElement : struct, IElement =>
        _pool.RunRange(
            new ColumnSumsJob<TElement>((void*)x.Address, x.Rows, x.Cols, (float*)target.Address),
            (x.Cols + ColumnSums.Group - 1) / ColumnSums.Group);

    private readonly struct ColumnSumsJob<TElement>(void* x, long rows, long cols, float* sums) : IRangeJob
        where TElement : struct, IElement
    {
        public void Run(long start, long end, int worker) =>
            ColumnSums.Add<TElement>(
                x, rows, cols, sums, start * ColumnSums.Group, Math.Min(end * ColumnSums.Group, cols));
    }
}
