using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Rotation of the halves of each head; lanes hold neighbouring pairs, tails are masked.</summary>
internal static unsafe class Rope
{
    /// <summary>(a, b) becomes (a·cos − b·sin, b·cos + a·sin) in rows [start, end).</summary>
    /// <param name="table">[P, 2 · half]: cos, then sin.</param>
    /// <param name="sign">−1 to rotate back.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TElement>(
        int* positions, float* table, float sign, void* x, long cols, long half, long start, long end)
        where TElement : IElement
    {
        Vector512<float> signs = Vector512.Create(sign);
        for (long row = start; row < end; row++)
        {
            float* angles = table + 2 * half * positions[row];
            for (long head = row * cols; head < (row + 1) * cols; head += 2 * half)
                for (long i = 0; i < half; i += 16)
                {
                    Vector512<float> cos = Row.Load<SingleElement>(angles, 0, i, half);
                    Vector512<float> sin = Row.Load<SingleElement>(angles, half, i, half) * signs;
                    Vector512<float> a = Row.Load<TElement>(x, head, i, half);
                    Vector512<float> b = Row.Load<TElement>(x, head + half, i, half);
                    Row.Store<TElement>(Vector512.FusedMultiplyAdd(a, cos, -(b * sin)), x, head, i, half);
                    Row.Store<TElement>(Vector512.FusedMultiplyAdd(b, cos, a * sin), x, head + half, i, half);
                }
        }
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void RopeKernel(Tensor positions, Tensor table, bool inverse, Tensor x)
    {
        if (IsSingle(x))
            Rope<SingleElement>(positions, table, inverse, x);
        else
            Rope<BrainElement>(positions, table, inverse, x);
    }

    private void Rope<TElement>(Tensor positions, Tensor table, bool inverse, Tensor x)
        where TElement : IElement
    {
        RopeJob<TElement> job = new(
            (int*)positions.Address, (float*)table.Address, inverse ? -1 : 1, (void*)x.Address, x.Cols,
            table.Cols / 2);
        _pool.RunRange(job, x.Rows, LeastRows(x.Cols));
    }

    private readonly struct RopeJob<TElement>(
        int* positions, float* table, float sign, void* x, long cols, long half) : IRangeJob
        where TElement : IElement
    {
        public void Run(long start, long end, int worker) =>
            Cpu.Rope.Run<TElement>(positions, table, sign, x, cols, half, start, end);
    }
}
