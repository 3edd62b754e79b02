namespace FastCpt.Kernels.Profiling;

public sealed partial class ProfilingBackend
{
    protected override void GradientSquaredNormKernel(Tensor g, Tensor theta, in Pull pull, Tensor result)
    {
        long start = Begin();
        inner.GradientSquaredNorm(g, theta, pull, result);
        End(nameof(GradientSquaredNorm), start, OpCost.Touching(g, pull.IsNone ? Tensor.None : theta, pull.Anchor));
    }

    protected override void AdamWKernel(
        Tensor g, in Pull pull, in AdamWStep step, Tensor theta, Tensor m, Tensor v, Tensor copy)
    {
        long start = Begin();
        inner.AdamW(g, pull, step, theta, m, v, copy);
        End(nameof(AdamW), start, OpCost.Touching(g, pull.Anchor, theta, theta, m, m, v, v, copy));
    }

    protected override void WeightedSumKernel(ReadOnlySpan<Tensor> xs, ReadOnlySpan<double> weights, Tensor y)
    {
        long start = Begin();
        inner.WeightedSum(xs, weights, y);
        End(nameof(WeightedSum), start, OpCost.Touching(xs) + OpCost.Touching(y));
    }

    protected override void DotKernel(Tensor x, Tensor y, Tensor origin, Tensor result)
    {
        long start = Begin();
        inner.Dot(x, y, origin, result);
        End(nameof(Dot), start, OpCost.Touching(x, y, origin));
    }
}
