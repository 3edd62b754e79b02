namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void GeluKernel(Tensor x, Tensor y)
    {
        Elements input = new(x), output = new(y);
        for (long i = 0; i < y.Length; i++)
            output[i] = input[i] * NormalBelow(input[i]);
    }

    protected override void GeluBackwardKernel(Tensor x, Tensor dy, InputGradient dx)
    {
        if (dx.Overwrites)
            FillKernel(0, dx.Value);
        Elements input = new(x), dOutput = new(dy), dInput = new(dx.Value);
        for (long i = 0; i < x.Length; i++)
        {
            double density = Math.Exp(-0.5 * input[i] * input[i]) / Math.Sqrt(2 * Math.PI);
            dInput[i] += dOutput[i] * (NormalBelow(input[i]) + input[i] * density);
        }
    }

    /// <summary>Φ(x): the share of the standard normal distribution below x.</summary>
    private static double NormalBelow(double x) => 0.5 * ErrorFunction.Complement(-x / Math.Sqrt(2));
}
