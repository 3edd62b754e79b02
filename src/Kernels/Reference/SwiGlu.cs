namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void SwiGluKernel(Tensor gate, Tensor up, Tensor y)
    {
        Elements gates = new(gate), ups = new(up), output = new(y);
        for (long i = 0; i < y.Length; i++)
            output[i] = gates[i] * Logistic(gates[i]) * ups[i];
    }

    protected override void SwiGluBackwardKernel(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp)
    {
        Elements gates = new(gate), ups = new(up), dOutput = new(dy), dGates = new(dGate), dUps = new(dUp);
        for (long i = 0; i < dy.Length; i++)
        {
            double g = gates[i], s = Logistic(g);
            dGates[i] += dOutput[i] * ups[i] * s * (1 + g * (1 - s));
            dUps[i] += dOutput[i] * g * s;
        }
    }

    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));
}
