namespace FastCpt.Kernels.Cpu;

/// <content>Ops that the reference backend still does; both work on host memory.</content>
public sealed partial class CpuBackend
{
    protected override void LinearCrossEntropyKernel(
        Tensor x, Tensor w, Tensor targets, float gradientScale, Tensor losses, Tensor dx, Tensor dw) =>
        _plain.LinearCrossEntropy(x, w, targets, gradientScale, losses, dx, dw);
}
