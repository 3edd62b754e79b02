using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

internal static unsafe class GradientSquaredNorm
{
    /// <summary>The gradient that an update uses, g + strength · (θ − θ₀), on 16 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Pulled(
        Vector512<float> g, Vector512<float> theta, Vector512<float> anchor, Vector512<float> strength) =>
        Vector512.FusedMultiplyAdd(strength, theta - anchor, g);

    /// <summary>Σ g'² over elements [start, end), g' in float, squares and sums in double.</summary>
    /// <remarks>Four chains of 8 lanes: the halves of even and of odd groups of 16 elements.</remarks>
    /// <param name="anchor">Null where nothing pulls.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Run<TTheta, TAnchor>(
        float* g, void* theta, void* anchor, float strength, long start, long end)
        where TTheta : IElement
        where TAnchor : IElement
    {
        Vector512<float> strengths = Vector512.Create(strength);
        Vector512<double> sum0 = Vector512<double>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (long i = start; i < end; i += 32)
        {
            Vector512<float> part = Row.Load<SingleElement>(g, 0, i, end);
            if (anchor != null)
                part = Pulled(
                    part, Row.Load<TTheta>(theta, 0, i, end), Row.Load<TAnchor>(anchor, 0, i, end), strengths);
            AddSquares(part, ref sum0, ref sum1);
            if (i + 16 >= end)
                break;
            part = Row.Load<SingleElement>(g, 0, i + 16, end);
            if (anchor != null)
                part = Pulled(
                    part, Row.Load<TTheta>(theta, 0, i + 16, end), Row.Load<TAnchor>(anchor, 0, i + 16, end),
                    strengths);
            AddSquares(part, ref sum2, ref sum3);
        }

        return VectorMath.Sum(sum0 + sum1 + (sum2 + sum3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSquares(Vector512<float> x, ref Vector512<double> lower, ref Vector512<double> upper)
    {
        (Vector512<double> first, Vector512<double> second) = Vector512.Widen(x);
        lower = Vector512.FusedMultiplyAdd(first, first, lower);
        upper = Vector512.FusedMultiplyAdd(second, second, upper);
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void GradientSquaredNormKernel(Tensor g, Tensor theta, in Pull pull, Tensor result)
    {
        switch (pull.IsNone || IsSingle(theta), pull.IsNone || IsSingle(pull.Anchor))
        {
            case (true, true):
                GradientSquaredNorm<SingleElement, SingleElement>(g, theta, pull, result);
                break;
            case (true, false):
                GradientSquaredNorm<SingleElement, BrainElement>(g, theta, pull, result);
                break;
            case (false, true):
                GradientSquaredNorm<BrainElement, SingleElement>(g, theta, pull, result);
                break;
            default:
                GradientSquaredNorm<BrainElement, BrainElement>(g, theta, pull, result);
                break;
        }
    }

    private void GradientSquaredNorm<TTheta, TAnchor>(Tensor g, Tensor theta, in Pull pull, Tensor result)
        where TTheta : IElement
        where TAnchor : IElement
    {
        long blocks = BlockSums.Blocks(g.Length);
        double* sums = (double*)WorkerScratch(0, (blocks + 1) * sizeof(double));
        GradientSquaredNormJob<TTheta, TAnchor> job = new(
            (float*)g.Address, (void*)theta.Address, (void*)pull.Anchor.Address, pull.Strength, g.Length, sums);
        _pool.RunRange(job, blocks, LeastSums);
        AddInOrder(sums, blocks, result);
    }

    private readonly struct GradientSquaredNormJob<TTheta, TAnchor>(
        float* g, void* theta, void* anchor, float strength, long length, double* sums) : IRangeJob
        where TTheta : IElement
        where TAnchor : IElement
    {
        public void Run(long start, long end, int worker)
        {
            for (long block = start; block < end; block++)
                sums[block] = Cpu.GradientSquaredNorm.Run<TTheta, TAnchor>(
                    g, theta, anchor, strength, block * BlockSums.Block,
                    Math.Min((block + 1) * BlockSums.Block, length));
        }
    }
}
