using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>The scalars of an AdamW update as the kernel uses them, each rounded once from double.</summary>
internal readonly struct AdamWFactors
{
    public AdamWFactors(in AdamWStep step, float strength)
    {
        double beta1 = step.Beta1, beta2 = step.Beta2;
        GradientScale = step.GradientScale;
        Strength = strength;
        Beta1 = step.Beta1;
        Beta2 = step.Beta2;
        NewShare1 = (float)(1 - beta1);
        NewShare2 = (float)(1 - beta2);
        Decay = (float)((double)step.LearningRate * step.WeightDecay);
        Rate = (float)(step.LearningRate / (1 - Math.Pow(beta1, step.Step)));
        RootScale = (float)(1 / Math.Sqrt(1 - Math.Pow(beta2, step.Step)));
        Epsilon = step.Epsilon;
    }

    public float GradientScale { get; }

    public float Strength { get; }

    public float Beta1 { get; }

    public float Beta2 { get; }

    /// <summary>1 − β₁.</summary>
    public float NewShare1 { get; }

    /// <summary>1 − β₂.</summary>
    public float NewShare2 { get; }

    /// <summary>lr · decay.</summary>
    public float Decay { get; }

    /// <summary>lr / (1 − β₁ᵗ).</summary>
    public float Rate { get; }

    /// <summary>1 / √(1 − β₂ᵗ).</summary>
    public float RootScale { get; }

    public float Epsilon { get; }
}

internal static unsafe class AdamW
{
    /// <summary>One update of elements [start, end) in one pass over g, θ, θ₀, m, v; lanes hold neighbours.</summary>
    /// <remarks>What is taken from θ is summed first, decay included, and subtracted at once: a decay far below θ's
    /// last place is not lost in a factor next to 1.</remarks>
    /// <param name="anchor">Null where nothing pulls.</param>
    /// <param name="copy">BF16 copy of θ, or null.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TTheta, TAnchor>(
        float* g, void* anchor, in AdamWFactors factors, void* theta, float* m, float* v, void* copy, long start,
        long end)
        where TTheta : IElement
        where TAnchor : IElement
    {
        Vector512<float> scale = Vector512.Create(factors.GradientScale);
        Vector512<float> strength = Vector512.Create(factors.Strength);
        Vector512<float> beta1 = Vector512.Create(factors.Beta1), beta2 = Vector512.Create(factors.Beta2);
        Vector512<float> share1 = Vector512.Create(factors.NewShare1), share2 = Vector512.Create(factors.NewShare2);
        Vector512<float> decay = Vector512.Create(factors.Decay), rate = Vector512.Create(factors.Rate);
        Vector512<float> rootScale = Vector512.Create(factors.RootScale);
        Vector512<float> epsilon = Vector512.Create(factors.Epsilon);
        for (long i = start; i < end; i += 16)
        {
            Vector512<float> gradient = Row.Load<SingleElement>(g, 0, i, end);
            Vector512<float> weight = Row.Load<TTheta>(theta, 0, i, end);
            if (anchor != null)
                gradient = GradientSquaredNorm.Pulled(
                    gradient, weight, Row.Load<TAnchor>(anchor, 0, i, end), strength);
            gradient *= scale;
            Vector512<float> first = Vector512.FusedMultiplyAdd(
                share1, gradient, beta1 * Row.Load<SingleElement>(m, 0, i, end));
            Vector512<float> second = Vector512.FusedMultiplyAdd(
                share2 * gradient, gradient, beta2 * Row.Load<SingleElement>(v, 0, i, end));
            Row.Store<SingleElement>(first, m, 0, i, end);
            Row.Store<SingleElement>(second, v, 0, i, end);
            Vector512<float> ratio =
                first / Vector512.FusedMultiplyAdd(Vector512.Sqrt(second), rootScale, epsilon);
            weight -= Vector512.FusedMultiplyAdd(decay, weight, rate * ratio);
            Row.Store<TTheta>(weight, theta, 0, i, end);
            if (copy != null)
                Row.Store<BrainElement>(weight, copy, 0, i, end);
        }
    }
}

public sealed unsafe partial class CpuBackend
{
    protected override void AdamWKernel(
        Tensor g, in Pull pull, in AdamWStep step, Tensor theta, Tensor m, Tensor v, Tensor copy)
    {
        switch (IsSingle(theta), pull.IsNone || IsSingle(pull.Anchor))
        {
            case (true, true):
                AdamW<SingleElement, SingleElement>(g, pull, step, theta, m, v, copy);
                break;
            case (true, false):
                AdamW<SingleElement, BrainElement>(g, pull, step, theta, m, v, copy);
                break;
            case (false, true):
                AdamW<BrainElement, SingleElement>(g, pull, step, theta, m, v, copy);
                break;
            default:
                AdamW<BrainElement, BrainElement>(g, pull, step, theta, m, v, copy);
                break;
        }
    }

    private void AdamW<TTheta, TAnchor>(
        Tensor g, in Pull pull, in AdamWStep step, Tensor theta, Tensor m, Tensor v, Tensor copy)
        where TTheta : IElement
        where TAnchor : IElement
    {
        AdamWJob<TTheta, TAnchor> job = new(
            (float*)g.Address, (void*)pull.Anchor.Address, new AdamWFactors(step, pull.Strength),
            (void*)theta.Address, (float*)m.Address, (float*)v.Address, (void*)copy.Address, g.Length);
        RunElements(job, g.Length);
    }

    private readonly struct AdamWJob<TTheta, TAnchor>(
        float* g, void* anchor, AdamWFactors factors, void* theta, float* m, float* v, void* copy, long length)
        : IRangeJob
        where TTheta : IElement
        where TAnchor : IElement
    {
        public void Run(long start, long end, int worker) =>
            Cpu.AdamW.Run<TTheta, TAnchor>(
                g, anchor, factors, theta, m, v, copy, start * ElementBlock, Math.Min(end * ElementBlock, length));
    }
}
