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

    protected override void GatedMlpKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor residual,
        Tensor gated, Tensor upped, Tensor y) =>
        _plain.GatedMlp(x, gate, up, down, kind, residual, gated, upped, y);

    protected override void GatedMlpBackwardKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor gated,
        Tensor upped, Tensor dy, Tensor dx, in LinearGradient dGate, in LinearGradient dUp,
        in LinearGradient dDown) =>
        _plain.GatedMlpBackward(x, gate, up, down, kind, gated, upped, dy, dx, dGate, dUp, dDown);

    protected override void LinearCrossEntropyKernel(
        Tensor x, Tensor w, Tensor targets, float gradientScale, Tensor losses, Tensor dx, Tensor dw) =>
        _plain.LinearCrossEntropy(x, w, targets, gradientScale, losses, dx, dw);
}
