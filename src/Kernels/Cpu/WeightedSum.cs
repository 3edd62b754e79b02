using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Weighted sums in double, block by block: the sums of a block stay in the nearest cache.</summary>
/// <remarks>Products and sums are rounded one by one, as Reference rounds them, so the bits are Reference's.</remarks>
internal static unsafe class WeightedSum
{
    /// <summary>sums[i] = weight · x[i], or sums[i] += weight · x[i].</summary>
    /// <param name="count">Elements; sums and x are read up to the next multiple of 16 as zeros.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* x, double weight, bool first, double* sums, long count)
    {
        Vector512<double> weights = Vector512.Create(weight);
        for (long i = 0; i < count; i += 16)
        {
            (Vector512<double> lower, Vector512<double> upper) =
                Vector512.Widen(Row.Load<SingleElement>(x, 0, i, count));
            (lower, upper) = (lower * weights, upper * weights);
            if (!first)
                (lower, upper) = (Vector512.Load(sums + i) + lower, Vector512.Load(sums + i + 8) + upper);
            lower.Store(sums + i);
            upper.Store(sums + i + 8);
        }
    }

    /// <summary>y[i] = sums[i], rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round<TElement>(double* sums, void* y, long count)
        where TElement : IElement
    {
        bool single = TElement.Type == DType.F32;
        for (long i = 0; i < count; i += 16)
        {
            Vector512<double> lower = Vector512.Load(sums + i), upper = Vector512.Load(sums + i + 8);
            Vector512<float> near = Vector512.Narrow(lower, upper);
            Row.Store<TElement>(single ? near : ToOdd(lower, upper, near), y, 0, i, count);
        }
    }

    /// <summary>The doubles rounded to float so that rounding again to BF16 is as if done once.</summary>
    /// <remarks>Toward zero, the last bit stands for all that is cut off, as in <see cref="Bf16.FromDouble"/>.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ToOdd(Vector512<double> lower, Vector512<double> upper, Vector512<float> near)
    {
        (Vector512<double> near0, Vector512<double> near1) = Vector512.Widen(near);
        Vector512<int> above = Vector512.Narrow(
            Vector512.GreaterThan(Vector512.Abs(near0), Vector512.Abs(lower)).AsInt64(),
            Vector512.GreaterThan(Vector512.Abs(near1), Vector512.Abs(upper)).AsInt64());
        Vector512<int> exact = Vector512.Narrow(
            Vector512.Equals(near0, lower).AsInt64(), Vector512.Equals(near1, upper).AsInt64());
        Vector512<int> odd = (near.AsInt32() + above) | Vector512<int>.One;
        Vector512<int> keep = exact | ~Vector512.Equals(near, near).AsInt32();
        return Vector512.ConditionalSelect(keep, near.AsInt32(), odd).AsSingle();
    }
}

public sealed unsafe partial class CpuBackend
{
    /// <remarks>y may be one of xs: a block is read by every term before it is written.</remarks>
    protected override void WeightedSumKernel(ReadOnlySpan<Tensor> xs, ReadOnlySpan<double> weights, Tensor y)
    {
        if (xs.IsEmpty)
        {
            FillKernel(0, y);
            return;
        }

        foreach (Tensor x in xs)
            _ = IsSingle(x);
        fixed (Tensor* terms = xs)
        fixed (double* factors = weights)
            _pool.RunRange(
                new WeightedSumJob(terms, factors, xs.Length, y), BlockSums.Blocks(y.Length), LeastSums);
    }

    private readonly struct WeightedSumJob(Tensor* terms, double* weights, int count, Tensor y) : IRangeJob
    {
        public void Run(long start, long end, int worker)
        {
            float* widened = stackalloc float[(int)BlockSums.Block];
            double* sums = stackalloc double[(int)BlockSums.Block];
            for (long block = start; block < end; block++)
            {
                long first = block * BlockSums.Block, length = Math.Min(BlockSums.Block, y.Length - first);
                for (int term = 0; term < count; term++)
                    Cpu.WeightedSum.Add(
                        Singles(terms[term], first, length, widened), weights[term], term == 0, sums, length);
                if (IsSingle(y))
                    Cpu.WeightedSum.Round<SingleElement>(sums, (float*)y.Address + first, length);
                else
                    Cpu.WeightedSum.Round<BrainElement>(sums, (ushort*)y.Address + first, length);
            }
        }
    }
}
