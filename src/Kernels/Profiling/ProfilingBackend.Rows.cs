namespace FastCpt.Kernels.Profiling;

public sealed partial class ProfilingBackend
{
    protected override void RmsNormKernel(Tensor x, Tensor w, float offset, float eps, Tensor y, Tensor rstd)
    {
        long start = Begin();
        inner.RmsNorm(x, w, offset, eps, y, rstd);
        End(nameof(RmsNorm), start, OpCost.Touching(x, w, y, rstd));
    }

    protected override void RmsNormBackwardKernel(
        Tensor x, Tensor w, float offset, Tensor rstd, Tensor dy, Tensor dx, Tensor dw)
    {
        long start = Begin();
        inner.RmsNormBackward(x, w, offset, rstd, dy, dx, dw);
        End(nameof(RmsNormBackward), start, OpCost.Touching(x, w, rstd, dy, dx, dx, dw, dw));
    }

    protected override void LayerNormKernel(Tensor x, Tensor w, Tensor b, float eps, Tensor y, Tensor mean, Tensor rstd)
    {
        long start = Begin();
        inner.LayerNorm(x, w, b, eps, y, mean, rstd);
        End(nameof(LayerNorm), start, OpCost.Touching(x, w, b, y, mean, rstd));
    }

    protected override void LayerNormBackwardKernel(
        Tensor x, Tensor w, Tensor mean, Tensor rstd, Tensor dy, Tensor dx, Tensor dw, Tensor db)
    {
        long start = Begin();
        inner.LayerNormBackward(x, w, mean, rstd, dy, dx, dw, db);
        End(nameof(LayerNormBackward), start, OpCost.Touching(x, w, mean, rstd, dy, dx, dx, dw, dw, db, db));
    }

    protected override void EmbeddingKernel(Tensor ids, Tensor table, float scale, Tensor y)
    {
        long start = Begin();
        inner.Embedding(ids, table, scale, y);
        End(nameof(Embedding), start, OpCost.Touching(ids, y, y));
    }

    protected override void EmbeddingBackwardKernel(Tensor ids, Tensor dy, float scale, int padding, Tensor dTable)
    {
        long start = Begin();
        inner.EmbeddingBackward(ids, dy, scale, padding, dTable);
        End(nameof(EmbeddingBackward), start, OpCost.Touching(ids, dy, dy, dy));
    }
}
