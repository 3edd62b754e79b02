namespace FastCpt.Kernels;

/// <summary>The scalars of one AdamW update. Loshchilov and Hutter 2019, algorithm 2.</summary>
/// <param name="GradientScale">What clipping multiplies gradients by, at most 1.</param>
/// <param name="WeightDecay">Decoupled: θ is multiplied by 1 − learningRate · weightDecay first.</param>
/// <param name="Step">From 1; bias corrections are 1 − beta^step, in double.</param>
public readonly record struct AdamWStep(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, float GradientScale, long Step);

/// <summary>Pull of a parameter toward an anchor, as both passes of the optimizer read it.</summary>
/// <param name="Anchor">Start values θ₀ in their own type, F32 or BF16; none where nothing pulls.</param>
/// <param name="Strength">2λ: the gradient is g + strength · (θ − θ₀).</param>
public readonly record struct Pull(Tensor Anchor, float Strength)
{
    public bool IsNone => Anchor.IsNone;
}
