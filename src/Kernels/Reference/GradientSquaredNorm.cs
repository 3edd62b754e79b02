namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void GradientSquaredNormKernel(Tensor g, Tensor theta, in Pull pull, Tensor result)
    {
        Elements gradient = new(g), weights = new(theta), anchor = new(pull.Anchor), total = new(result);
        double sum = 0;
        for (long i = 0; i < g.Length; i++)
        {
            double pulled = PulledGradient(gradient, weights, anchor, pull.Strength, i);
            sum += pulled * pulled;
        }

        total[0] += sum;
    }

    /// <summary>g + strength · (θ − θ₀), or g where nothing pulls.</summary>
    private static double PulledGradient(
        in Elements gradient, in Elements weights, in Elements anchor, double strength, long i) =>
        anchor.IsNone ? gradient[i] : gradient[i] + strength * (weights[i] - anchor[i]);
}
