namespace FastCpt.Kernels;

public abstract partial class Backend
{
    /// <summary>Scales each row to unit root mean square, then by a learned weight.</summary>
    /// <remarks>
    /// y = x · rstd · (offset + w) with rstd = 1/√(mean(x²) + eps); offset is 0 for Llama, 1 for Gemma.
    /// y may be x only where no gradient is wanted. Zhang and Sennrich 2019, equation 4.
    /// </remarks>
    /// <param name="x">[rows, cols].</param>
    /// <param name="w">[cols].</param>
    /// <param name="y">[rows, cols], overwritten.</param>
    /// <param name="rstd">[rows] of the statistic type, overwritten; the backward pass reads it.</param>
    public void RmsNorm(Tensor x, Tensor w, float offset, float eps, Tensor y, Tensor rstd)
    {
        CheckRmsNorm(x, w, y, rstd);
        RmsNormKernel(x, w, offset, eps, y, rstd);
    }

    /// <summary>Gradients of <see cref="RmsNorm"/>.</summary>
    /// <remarks>With h = dy · (offset + w): dx += rstd · (h − x · rstd² · mean(h · x)); dw += Σ rows of
    /// dy · x · rstd, rows added in order.</remarks>
    /// <param name="dx">[rows, cols] or none.</param>
    /// <param name="dw">[cols] of the statistic type, or none.</param>
    public void RmsNormBackward(Tensor x, Tensor w, float offset, Tensor rstd, Tensor dy, Tensor dx, Tensor dw)
    {
        CheckRmsNorm(x, w, dy, rstd);
        Expect.OptionalMatrix(dx, nameof(dx), x.Type, x.Rows, x.Cols);
        Expect.OptionalVector(dw, nameof(dw), Expect.Statistic(x.Type), x.Cols);
        RmsNormBackwardKernel(x, w, offset, rstd, dy, dx, dw);
    }

    /// <summary>Shifts and scales each row to mean 0 and variance 1, then by learned weight and bias.</summary>
    /// <remarks>y = (x − mean) · rstd · w + b with rstd = 1/√(variance + eps), the variance divided by cols.
    /// Ba, Kiros and Hinton 2016, equation 4.</remarks>
    /// <param name="x">[rows, cols].</param>
    /// <param name="w">[cols].</param>
    /// <param name="b">[cols].</param>
    /// <param name="y">[rows, cols], overwritten.</param>
    /// <param name="mean">[rows] of the statistic type, overwritten; the backward pass reads it.</param>
    /// <param name="rstd">[rows] of the statistic type, overwritten; the backward pass reads it.</param>
    public void LayerNorm(Tensor x, Tensor w, Tensor b, float eps, Tensor y, Tensor mean, Tensor rstd)
    {
        CheckRmsNorm(x, w, y, rstd);
        Expect.Weight(b, nameof(b), x.Type, 1, x.Cols);
        Expect.Vector(mean, nameof(mean), rstd.Type, x.Rows);
        LayerNormKernel(x, w, b, eps, y, mean, rstd);
    }

    /// <summary>Gradients of <see cref="LayerNorm"/>.</summary>
    /// <remarks>With n = (x − mean) · rstd and h = dy · w: dx += rstd · (h − mean(h) − n · mean(h · n));
    /// dw += Σ rows of dy · n; db += Σ rows of dy; rows added in order.</remarks>
    public void LayerNormBackward(
        Tensor x, Tensor w, Tensor mean, Tensor rstd, Tensor dy, Tensor dx, Tensor dw, Tensor db)
    {
        CheckRmsNorm(x, w, dy, rstd);
        Expect.Vector(mean, nameof(mean), rstd.Type, x.Rows);
        Expect.OptionalMatrix(dx, nameof(dx), x.Type, x.Rows, x.Cols);
        Expect.OptionalVector(dw, nameof(dw), rstd.Type, x.Cols);
        Expect.OptionalVector(db, nameof(db), rstd.Type, x.Cols);
        LayerNormBackwardKernel(x, w, mean, rstd, dy, dx, dw, db);
    }

    protected abstract void RmsNormKernel(Tensor x, Tensor w, float offset, float eps, Tensor y, Tensor rstd);

    protected abstract void RmsNormBackwardKernel(
        Tensor x, Tensor w, float offset, Tensor rstd, Tensor dy, Tensor dx, Tensor dw);

    protected abstract void LayerNormKernel(
        Tensor x, Tensor w, Tensor b, float eps, Tensor y, Tensor mean, Tensor rstd);

    protected abstract void LayerNormBackwardKernel(
        Tensor x, Tensor w, Tensor mean, Tensor rstd, Tensor dy, Tensor dx, Tensor dw, Tensor db);

    private static void CheckRmsNorm(Tensor x, Tensor w, Tensor y, Tensor rstd)
    {
        Expect.Floating(x, nameof(x));
        Expect.Weight(w, nameof(w), x.Type, 1, x.Cols);
        Expect.Matrix(y, nameof(y), x.Type, x.Rows, x.Cols);
        Expect.Vector(rstd, nameof(rstd), Expect.Statistic(x.Type), x.Rows);
    }
}
