using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Weighted sums in double, in the order of the terms; lanes hold neighbours.</summary>
/// <remarks>Products and sums are rounded one by one, as Reference rounds them, so the bits are Reference's.</remarks>
internal static unsafe class WeightedSum
{
    /// <summary>y[i] = Σ weights[t] · xs[t][i] / divisor, rounded once.</summary>
    /// <param name="xs">At least one; may include y where the types are the same.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TInput, TOutput>(
        void** xs, double* weights, int terms, double divisor, void* y, long count)
        where TInput : struct, IElement
        where TOutput : struct, IElement
    {
        for (long i = 0; i < count; i += 16)
        {
            // From the first term on, not from 0: a sum of negative zeros keeps its sign.
            Weighted<TInput>(xs[0], weights[0], i, count, out Vector512<double> lower, out Vector512<double> upper);
            for (int term = 1; term < terms; term++)
            {
                Weighted<TInput>(
                    xs[term], weights[term], i, count, out Vector512<double> nextLower,
                    out Vector512<double> nextUpper);
                lower += nextLower;
                upper += nextUpper;
            }

            if (divisor != 1)
            {
                lower /= Vector512.Create(divisor);
                upper /= Vector512.Create(divisor);
            }

            Vector512<float> near = Vector512.Narrow(lower, upper);
            Row.Store<TOutput>(TOutput.Type == DType.F32 ? near : ToOdd(lower, upper, near), y, 0, i, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Weighted<TInput>(
        void* x, double weight, long i, long count, out Vector512<double> lower, out Vector512<double> upper)
        where TInput : struct, IElement
    {
        Vector512<double> weights = Vector512.Create(weight);
        (lower, upper) = Vector512.Widen(Row.Load<TInput>(x, 0, i, count));
        lower *= weights;
        upper *= weights;
    }

    /// <summary>The doubles rounded to float so that rounding again to BF16 or F16 is as if done once.</summary>
    /// <remarks>
    /// Toward zero, the last bit stands for all that is cut off, as in <see cref="Bf16.FromDouble"/>.
    /// </remarks>
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
                new WeightedSumJob(this, terms, factors, xs.Length, y), BlockSums.Blocks(y.Length), LeastSums);
    }

    private readonly struct WeightedSumJob(
        CpuBackend backend, Tensor* terms, double* weights, int count, Tensor y) : IRangeJob
    {
        /// <summary>Elements of which every term is widened at a time.</summary>
        private const long Piece = 512;

        public void Run(long start, long end, int worker)
        {
            void** xs = (void**)backend.WorkerScratch(worker, count * (sizeof(void*) + Piece * sizeof(float)));
            float* widened = (float*)(xs + count);
            long stop = Math.Min(end * BlockSums.Block, y.Length);
            for (long first = start * BlockSums.Block; first < stop; first += Piece)
            {
                long length = Math.Min(Piece, stop - first);
                for (int term = 0; term < count; term++)
                    xs[term] = Singles(terms[term], first, length, widened + term * Piece);
                if (IsSingle(y))
                    Cpu.WeightedSum.Run<SingleElement, SingleElement>(
                        xs, weights, count, 1, (float*)y.Address + first, length);
                else
                    Cpu.WeightedSum.Run<SingleElement, BrainElement>(
                        xs, weights, count, 1, (ushort*)y.Address + first, length);
            }
        }
    }
}
