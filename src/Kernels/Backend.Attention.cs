namespace FastCpt.Kernels;

public abstract partial class Backend
{
    /// <summary>Rotates each head's two halves against one another by the row's position.</summary>
    /// <remarks>
    /// For i &lt; D/2: (a, b) = (x[i], x[i + D/2]) becomes (a·cos − b·sin, b·cos + a·sin). In place. The backward
    /// pass is the rotation by the opposite angle. Su et al. 2021, equation 34, in the half-split layout.
    /// </remarks>
    /// <param name="positions">I32 [M]; each below the table's rows.</param>
    /// <param name="table">[P, D] of the statistic type: cos in the first D/2 columns, sin in the rest.</param>
    /// <param name="inverse">Rotate back.</param>
    /// <param name="x">[M, heads · D], changed in place.</param>
    public void Rope(Tensor positions, Tensor table, bool inverse, Tensor x)
    {
        Expect.Floating(x, nameof(x));
        Expect.Vector(positions, nameof(positions), DType.I32, x.Rows);
        Expect.Type(table, nameof(table), Expect.Statistic(x.Type));
        Expect.That(
            table.Cols > 0 && table.Cols % 2 == 0 && x.Cols % table.Cols == 0,
            $"Heads of {table.Cols} elements do not tile rows of {x.Cols}.");
        RopeKernel(positions, table, inverse, x);
    }

    /// <summary>Softmax attention of each query over the visible keys of its segment.</summary>
    /// <remarks>
    /// o = softmax(scale · q kᵀ) v per head; lse = log Σ exp(scale · q kᵀ) in natural units (−∞ for padding). Scores
    /// of a whole segment are never held. Keys are visited in blocks that start at the segment's first row. Where
    /// shape has a dropout, o = (m · p) v with p the softmax and m = 1/(1 − rate) where the mask keeps, else 0; lse is
    /// as without. Vaswani et al. 2017, equation 1 and section 5.4; Dao 2023 for the backward pass.
    /// </remarks>
    /// <param name="q">[M, H·D].</param>
    /// <param name="k">[M, K·D].</param>
    /// <param name="v">[M, K·D].</param>
    /// <param name="o">[M, H·D], overwritten.</param>
    /// <param name="lse">[M, H] of the statistic type, overwritten; the backward pass reads it.</param>
    public void Attention(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse)
    {
        CheckAttention(q, k, v, segments, shape, o, lse);
        AttentionKernel(q, k, v, segments, shape, o, lse);
    }

    /// <summary>Gradients of <see cref="Attention"/>.</summary>
    /// <remarks>
    /// With p = exp(scale · q kᵀ − lse), m = 1 without dropout, and δ = Σ dO · o per row and head: dv += (m · p)ᵀ dO;
    /// dp = m · dO vᵀ; ds = p · (dp − δ) · scale; dq += ds k; dk += dsᵀ q. The softmax wants Σ p · dp over the keys for
    /// δ, which is dO · Σ m p v = dO · o: the o that dropout made. Keys' gradients add query heads of a group in order,
    /// then queries in order. The mask is drawn again from the same counters.
    /// </remarks>
    /// <param name="o">[M, H·D], as forward wrote it.</param>
    /// <param name="dO">[M, H·D].</param>
    /// <param name="dq">[M, H·D].</param>
    /// <param name="dk">[M, K·D].</param>
    /// <param name="dv">[M, K·D].</param>
    public void AttentionBackward(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse, Tensor dO,
        Tensor dq, Tensor dk, Tensor dv)
    {
        CheckAttention(q, k, v, segments, shape, o, lse);
        Expect.Matrix(dO, nameof(dO), q.Type, q.Rows, q.Cols);
        Expect.Matrix(dq, nameof(dq), q.Type, q.Rows, q.Cols);
        Expect.Matrix(dk, nameof(dk), q.Type, k.Rows, k.Cols);
        Expect.Matrix(dv, nameof(dv), q.Type, v.Rows, v.Cols);
        AttentionBackwardKernel(q, k, v, segments, shape, o, lse, dO, dq, dk, dv);
    }

    protected abstract void RopeKernel(Tensor positions, Tensor table, bool inverse, Tensor x);

    protected abstract void AttentionKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse);

    protected abstract void AttentionBackwardKernel(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse, Tensor dO,
        Tensor dq, Tensor dk, Tensor dv);

    private static void CheckAttention(
        Tensor q, Tensor k, Tensor v, Segments segments, in AttentionShape shape, Tensor o, Tensor lse)
    {
        Expect.Floating(q, nameof(q));
        Expect.That(
            shape.HeadSize > 0 && shape.KeyHeads > 0 && shape.Heads % shape.KeyHeads == 0,
            $"{shape.Heads} query heads cannot share {shape.KeyHeads} key heads of {shape.HeadSize}.");
        Expect.That(shape.Mask != AttentionMask.Window || shape.Window > 0, $"A window of {shape.Window} rows.");
        AttentionDropout dropout = shape.Dropout;
        Expect.That(dropout.Rate is >= 0 and < 1, $"A dropout rate of {dropout.Rate}.");
        if (dropout.Rate > 0)
            Expect.Vector(dropout.RowKeys, nameof(dropout.RowKeys), DType.I64, q.Rows);
        long width = (long)shape.Heads * shape.HeadSize, keyWidth = (long)shape.KeyHeads * shape.HeadSize;
        Expect.Matrix(q, nameof(q), q.Type, q.Rows, width);
        Expect.Matrix(k, nameof(k), q.Type, q.Rows, keyWidth);
        Expect.Matrix(v, nameof(v), q.Type, q.Rows, keyWidth);
        Expect.Matrix(o, nameof(o), q.Type, q.Rows, width);
        Expect.Matrix(lse, nameof(lse), Expect.Statistic(q.Type), q.Rows, shape.Heads);
        Expect.Matrix(segments.Bounds, nameof(segments), DType.I32, segments.Bounds.Rows, 2);
    }
}
