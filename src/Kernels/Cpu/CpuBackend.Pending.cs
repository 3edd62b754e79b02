namespace FastCpt.Kernels.Cpu;

/// <content>Ops that the reference backend still does; both work on host memory.</content>
public sealed partial class CpuBackend
{
    protected override void AttentionKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse) =>
        _plain.Attention(q, k, v, segments, shape, o, lse);

    protected override void AttentionBackwardKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse, Tensor dO,
        Tensor dq, Tensor dk, Tensor dv) =>
        _plain.AttentionBackward(q, k, v, segments, shape, o, lse, dO, dq, dk, dv);

    protected override void LinearCrossEntropyKernel(
        Tensor x, Tensor w, Tensor targets, float gradientScale, Tensor losses, Tensor dx, Tensor dw) =>
        _plain.LinearCrossEntropy(x, w, targets, gradientScale, losses, dx, dw);
}
