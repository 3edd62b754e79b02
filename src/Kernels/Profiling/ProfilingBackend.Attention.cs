namespace FastCpt.Kernels.Profiling;

public sealed partial class ProfilingBackend
{
    protected override void RopeKernel(Tensor positions, Tensor table, bool inverse, Tensor x)
    {
        long start = Begin();
        inner.Rope(positions, table, inverse, x);
        End(nameof(Rope), start, OpCost.Touching(positions, x, x));
    }

    protected override void AttentionKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse)
    {
        double pairs = Pairs(segments, shape);
        long start = Begin();
        inner.Attention(q, k, v, segments, shape, o, lse);
        End(nameof(Attention), start, OpCost.OfAttention(pairs, shape, false, q)
            + OpCost.Touching(q, k, v, shape.Dropout.RowKeys, o, lse));
    }

    protected override void AttentionBackwardKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse, Tensor dO,
        Tensor dq, Tensor dk, Tensor dv)
    {
        double pairs = Pairs(segments, shape);
        long start = Begin();
        inner.AttentionBackward(q, k, v, segments, shape, o, lse, dO, dq, dk, dv);
        End(nameof(AttentionBackward), start, OpCost.OfAttention(pairs, shape, true, q)
            + OpCost.Touching(q, k, v, shape.Dropout.RowKeys, o, lse, dO, dq, dq, dk, dk, dv, dv));
    }
}
