namespace FastCpt.Kernels.Cpu;

/// <content>Ops that the reference backend still does; both work on host memory.</content>
public sealed partial class CpuBackend
{
    protected override void RopeKernel(Tensor positions, Tensor table, bool inverse, Tensor x) =>
        _plain.Rope(positions, table, inverse, x);

    protected override void AttentionKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse) =>
        _plain.Attention(q, k, v, segments, shape, o, lse);

    protected override void AttentionBackwardKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse, Tensor dO,
        Tensor dq, Tensor dk, Tensor dv) =>
        _plain.AttentionBackward(q, k, v, segments, shape, o, lse, dO, dq, dk, dv);

    protected override void DropoutKernel(Tensor x, Tensor rowKeys, float rate, in DropoutKey key, Tensor y) =>
        _plain.Dropout(x, rowKeys, rate, key, y);

    protected override void DropoutBackwardKernel(
        Tensor dy, Tensor rowKeys, float rate, in DropoutKey key, Tensor dx) =>
        _plain.DropoutBackward(dy, rowKeys, rate, key, dx);

    protected override void LinearKernel(Tensor x, in LinearWeight w, Tensor y) =>
        _plain.Linear(x, w, y);

    protected override void LinearBackwardKernel(
        Tensor x, in LinearWeight w, Tensor dy, Tensor dx, in LinearGradient dw) =>
        _plain.LinearBackward(x, w, dy, dx, dw);

    protected override void LinearResidualKernel(Tensor x, in LinearWeight w, Tensor residual, Tensor y) =>
        _plain.LinearResidual(x, w, residual, y);

    protected override void GatedMlpKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor residual,
        Tensor gated, Tensor upped, Tensor y) =>
        _plain.GatedMlp(x, gate, up, down, kind, residual, gated, upped, y);

    protected override void GatedMlpBackwardKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor gated,
        Tensor upped, Tensor dy, Tensor dx, in LinearGradient dGate, in LinearGradient dUp,
        in LinearGradient dDown) =>
        _plain.GatedMlpBackward(x, gate, up, down, kind, gated, upped, dy, dx, dGate, dUp, dDown);

    protected override void RmsNormKernel(Tensor x, Tensor w, float offset, float eps, Tensor y, Tensor rstd) =>
        _plain.RmsNorm(x, w, offset, eps, y, rstd);

    protected override void RmsNormBackwardKernel(
        Tensor x, Tensor w, float offset, Tensor rstd, Tensor dy, Tensor dx, Tensor dw) =>
        _plain.RmsNormBackward(x, w, offset, rstd, dy, dx, dw);

    protected override void LayerNormKernel(
        Tensor x, Tensor w, Tensor b, float eps, Tensor y, Tensor mean, Tensor rstd) =>
        _plain.LayerNorm(x, w, b, eps, y, mean, rstd);

    protected override void LayerNormBackwardKernel(
        Tensor x, Tensor w, Tensor mean, Tensor rstd, Tensor dy, Tensor dx, Tensor dw, Tensor db) =>
        _plain.LayerNormBackward(x, w, mean, rstd, dy, dx, dw, db);

    protected override void GradientSquaredNormKernel(Tensor g, Tensor theta, in Pull pull, Tensor result) =>
        _plain.GradientSquaredNorm(g, theta, pull, result);

    protected override void AdamWKernel(
        Tensor g, in Pull pull, in AdamWStep step, Tensor theta, Tensor m, Tensor v, Tensor copy) =>
        _plain.AdamW(g, pull, step, theta, m, v, copy);

    protected override void WeightedSumKernel(ReadOnlySpan<Tensor> xs, ReadOnlySpan<double> weights, Tensor y) =>
        _plain.WeightedSum(xs, weights, y);

    protected override void DotKernel(Tensor x, Tensor y, Tensor origin, Tensor result) =>
        _plain.Dot(x, y, origin, result);

    protected override void EmbeddingKernel(Tensor ids, Tensor table, float scale, Tensor y) =>
        _plain.Embedding(ids, table, scale, y);

    protected override void EmbeddingBackwardKernel(Tensor ids, Tensor dy, float scale, Tensor dTable) =>
        _plain.EmbeddingBackward(ids, dy, scale, dTable);

    protected override void LinearCrossEntropyKernel(
        Tensor x, Tensor w, Tensor targets, float gradientScale, Tensor losses, Tensor dx, Tensor dw) =>
        _plain.LinearCrossEntropy(x, w, targets, gradientScale, losses, dx, dw);
}
