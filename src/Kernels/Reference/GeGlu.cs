namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    private const double TanhGeluCubic = 0.044715;
    private static readonly double TanhGeluSlope = Math.Sqrt(2 / Math.PI);

    protected override void GeGluKernel(Tensor gate, Tensor up, Tensor y)
    {
        Elements gates = new(gate), ups = new(up), output = new(y);
        for (long i = 0; i < y.Length; i++)
        {
            double g = gates[i];
            double tanh = Math.Tanh(TanhGeluSlope * (g + TanhGeluCubic * g * g * g));
            output[i] = 0.5 * g * (1 + tanh) * ups[i];
        }
    }

    protected override void GeGluBackwardKernel(Tensor gate, Tensor up, Tensor dy, Tensor dGate, Tensor dUp)
    {
        Elements gates = new(gate), ups = new(up), dOutput = new(dy), dGates = new(dGate), dUps = new(dUp);
        for (long i = 0; i < dy.Length; i++)
        {
            double g = gates[i];
            double tanh = Math.Tanh(TanhGeluSlope * (g + TanhGeluCubic * g * g * g));
            double dInner = TanhGeluSlope * (1 + 3 * TanhGeluCubic * g * g);
            double gelu = 0.5 * g * (1 + tanh);
            double dGelu = 0.5 * (1 + tanh) + 0.5 * g * (1 - tanh * tanh) * dInner;
            dGates[i] += dOutput[i] * ups[i] * dGelu;
            dUps[i] += dOutput[i] * gelu;
        }
    }
}
