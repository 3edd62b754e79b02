namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void AdamWKernel(
        Tensor g, in Pull pull, in AdamWStep step, Tensor theta, Tensor m, Tensor v, Tensor copy)
    {
        Elements gradient = new(g), anchor = new(pull.Anchor), weights = new(theta), working = new(copy);
        Elements firstMoment = new(m), secondMoment = new(v);
        double beta1 = step.Beta1, beta2 = step.Beta2, learningRate = step.LearningRate;
        double correction1 = 1 - Math.Pow(beta1, step.Step), correction2 = 1 - Math.Pow(beta2, step.Step);
        for (long i = 0; i < g.Length; i++)
        {
            double clipped = step.GradientScale * PulledGradient(gradient, weights, anchor, pull.Strength, i);
            double first = beta1 * firstMoment[i] + (1 - beta1) * clipped;
            double second = beta2 * secondMoment[i] + (1 - beta2) * clipped * clipped;
            double decayed = weights[i] * (1 - learningRate * step.WeightDecay);
            double denominator = Math.Sqrt(second / correction2) + step.Epsilon;
            (firstMoment[i], secondMoment[i]) = (first, second);
            weights[i] = decayed - learningRate / correction1 * first / denominator;
            if (!working.IsNone)
                working[i] = weights[i];
        }
    }
}
