namespace FastCpt.Kernels.Reference;

public sealed partial class ReferenceBackend
{
    protected override void GatedMlpKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor residual,
        Tensor gated, Tensor upped, Tensor y)
    {
        using DeviceBuffer memory = Zeros(x.Type, gated.Shape, out Tensor hidden); // [M, F]
        LinearKernel(x, gate, gated);
        LinearKernel(x, up, upped);
        Activate(kind, gated, upped, hidden);
        if (residual.IsNone)
            LinearKernel(hidden, down, y);
        else
            LinearResidualKernel(hidden, down, residual, y);
    }

    protected override void GatedMlpBackwardKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor gated,
        Tensor upped, Tensor dy, InputGradient dx, in LinearGradient dGate, in LinearGradient dUp,
        in LinearGradient dDown)
    {
        using DeviceBuffer first = Zeros(x.Type, gated.Shape, out Tensor hidden); // [M, F], as are the next three
        using DeviceBuffer second = Zeros(x.Type, gated.Shape, out Tensor dHidden);
        using DeviceBuffer third = Zeros(x.Type, gated.Shape, out Tensor dGated);
        using DeviceBuffer fourth = Zeros(x.Type, gated.Shape, out Tensor dUpped);
        Activate(kind, gated, upped, hidden);
        LinearBackwardKernel(hidden, down, dy, dHidden, dDown);
        if (kind == Gate.GeGlu)
            GeGluBackwardKernel(gated, upped, dHidden, dGated, dUpped);
        else
            SwiGluBackwardKernel(gated, upped, dHidden, dGated, dUpped);
        ConvertKernel(dGated, gated);
        ConvertKernel(dUpped, upped);
        LinearBackwardKernel(x, gate, gated, dx, dGate);
        LinearBackwardKernel(x, up, upped, dx.Value, dUp);
    }

    private void Activate(Gate kind, Tensor gated, Tensor upped, Tensor hidden)
    {
        if (kind == Gate.GeGlu)
            GeGluKernel(gated, upped, hidden);
        else
            SwiGluKernel(gated, upped, hidden);
    }
}
