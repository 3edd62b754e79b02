namespace FastCpt.Kernels;

public abstract partial class Backend
{
    /// <summary>result += Σ g'², g' = g + strength · (θ − θ₀): the squared norm of what the update will use.</summary>
    /// <remarks>Li et al. 2018, equation 2, for the pull. Sums in double over fixed blocks, in order.</remarks>
    /// <param name="g">Gradient, statistic type.</param>
    /// <param name="theta">Like g in length; read only where something pulls.</param>
    /// <param name="result">F64 [1], added to.</param>
    public void GradientSquaredNorm(Tensor g, Tensor theta, in Pull pull, Tensor result)
    {
        Expect.Floating(g, nameof(g));
        CheckPull(g, theta, pull);
        Expect.Vector(result, nameof(result), DType.F64, 1);
        GradientSquaredNormKernel(g, theta, pull, result);
    }

    /// <summary>One AdamW update with clipped gradient s · (g + strength · (θ − θ₀)), which is never stored.</summary>
    /// <remarks>
    /// θ ← θ (1 − lr · decay); m ← β₁ m + (1 − β₁) g'; v ← β₂ v + (1 − β₂) g'²;
    /// θ ← θ − lr/(1 − β₁ᵗ) · m / (√(v/(1 − β₂ᵗ)) + ε). Loshchilov and Hutter 2019, algorithm 2.
    /// </remarks>
    /// <param name="g">Statistic type; left as it is.</param>
    /// <param name="theta">Master weights F32, or BF16 where there are none; changed in place.</param>
    /// <param name="m">First moment, statistic type, in place.</param>
    /// <param name="v">Second moment, statistic type, in place.</param>
    /// <param name="copy">BF16 working copy of θ to refresh, or none.</param>
    public void AdamW(
        Tensor g, in Pull pull, in AdamWStep step, Tensor theta, Tensor m, Tensor v, Tensor copy)
    {
        Expect.Floating(g, nameof(g));
        Expect.Floating(theta, nameof(theta));
        CheckPull(g, theta, pull);
        Expect.Length(theta, nameof(theta), g.Length);
        Expect.Vector(m, nameof(m), g.Type, g.Length);
        Expect.Vector(v, nameof(v), g.Type, g.Length);
        Expect.OptionalVector(copy, nameof(copy), DType.BF16, g.Length);
        Expect.That(step.Step >= 1, $"Update number {step.Step}; the first is 1.");
        AdamWKernel(g, pull, step, theta, m, v, copy);
    }

    /// <summary>y = Σ weights[i] · xs[i], summed in double in the order given and rounded once.</summary>
    /// <remarks>Soup and interpolation: the caller lists the tensors in a fixed order. y may be one of xs.</remarks>
    public void WeightedSum(ReadOnlySpan<Tensor> xs, ReadOnlySpan<double> weights, Tensor y)
    {
        Expect.Floating(y, nameof(y));
        Expect.That(xs.Length == weights.Length, $"{xs.Length} tensors and {weights.Length} weights.");
        foreach (Tensor x in xs)
        {
            Expect.Floating(x, nameof(xs));
            Expect.Length(x, nameof(xs), y.Length);
        }

        WeightedSumKernel(xs, weights, y);
    }

    /// <summary>
    /// result += Σ (x − origin)(y − origin): dot products, squared norms and distances, task vectors.
    /// </summary>
    /// <remarks>Differences and sums in double over fixed blocks, in order.</remarks>
    /// <param name="origin">None stands for 0.</param>
    /// <param name="result">F64 [1], added to.</param>
    public void Dot(Tensor x, Tensor y, Tensor origin, Tensor result)
    {
        Expect.Floating(x, nameof(x));
        Expect.Floating(y, nameof(y));
        Expect.Length(y, nameof(y), x.Length);
        if (!origin.IsNone)
        {
            Expect.Floating(origin, nameof(origin));
            Expect.Length(origin, nameof(origin), x.Length);
        }

        Expect.Vector(result, nameof(result), DType.F64, 1);
        DotKernel(x, y, origin, result);
    }

    protected abstract void GradientSquaredNormKernel(Tensor g, Tensor theta, in Pull pull, Tensor result);

    protected abstract void AdamWKernel(
        Tensor g, in Pull pull, in AdamWStep step, Tensor theta, Tensor m, Tensor v, Tensor copy);

    protected abstract void WeightedSumKernel(ReadOnlySpan<Tensor> xs, ReadOnlySpan<double> weights, Tensor y);

    protected abstract void DotKernel(Tensor x, Tensor y, Tensor origin, Tensor result);

    private static void CheckPull(Tensor g, Tensor theta, in Pull pull)
    {
        if (pull.IsNone)
            return;
        Expect.Floating(theta, nameof(theta));
        Expect.Length(theta, nameof(theta), g.Length);
        Expect.Floating(pull.Anchor, "anchor");
        Expect.Length(pull.Anchor, "anchor", g.Length);
    }
}
