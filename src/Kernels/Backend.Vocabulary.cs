namespace FastCpt.Kernels;

public abstract partial class Backend
{
    /// <summary>The target of a row that predicts nothing.</summary>
    public const int IgnoredTarget = -1;

    /// <summary>y[row] = scale · table[ids[row]].</summary>
    /// <param name="ids">I32 [M], each in [0, V): the caller's promise.</param>
    /// <param name="table">[V, C].</param>
    /// <param name="scale">1, or √C rounded to the weights' type (Gemma).</param>
    /// <param name="y">[M, C], overwritten.</param>
    public void Embedding(Tensor ids, Tensor table, float scale, Tensor y)
    {
        Expect.Floating(y, nameof(y));
        Expect.Vector(ids, nameof(ids), DType.I32, y.Rows);
        Expect.Weight(table, nameof(table), y.Type, table.Rows, y.Cols);
        EmbeddingKernel(ids, table, scale, y);
    }

    /// <summary>dTable[ids[row]] += scale · dy[row], rows added in order.</summary>
    /// <param name="padding">An id whose rows give nothing; −1 for none.</param>
    /// <param name="dTable">[V, C] of the statistic type.</param>
    public void EmbeddingBackward(Tensor ids, Tensor dy, float scale, int padding, Tensor dTable)
    {
        Expect.Floating(dy, nameof(dy));
        Expect.Vector(ids, nameof(ids), DType.I32, dy.Rows);
        Expect.Matrix(dTable, nameof(dTable), Expect.Statistic(dy.Type), dTable.Rows, dy.Cols);
        EmbeddingBackwardKernel(ids, dy, scale, padding, dTable);
    }

    /// <summary>
    /// Output head, softmax and cross-entropy in one, forward and backward, with a chunk of logits at a time.
    /// </summary>
    /// <remarks>
    /// With z = x Wᵀ + bias: losses[row] = log Σ exp(z) − z[target], in nats, 0 where the target is
    /// <see cref="IgnoredTarget"/>. With d = gradientScale · (softmax − one-hot), 0 in ignored rows:
    /// dx += d W; dW += dᵀ x; dBias += Σ rows of d, in order. The scratch memory does not grow with M: on the CPU it
    /// stays below 64 MiB for vocabularies of which fewer than 140 rows of logits fit 128 MiB, and below 150 MiB where
    /// those are kept.
    /// </remarks>
    /// <param name="x">[M, C].</param>
    /// <param name="w">[V, C], and a bias [V] or none; no adapter.</param>
    /// <param name="targets">I32 [M].</param>
    /// <param name="gradientScale">One over the tokens that the whole optimizer step predicts.</param>
    /// <param name="losses">[M] of the statistic type, overwritten.</param>
    /// <param name="dx">[M, C], or none in evaluation.</param>
    /// <param name="dw">Of the statistic type.</param>
    public void LinearCrossEntropy(
        Tensor x, in LinearWeight w, Tensor targets, float gradientScale, Tensor losses, Tensor dx,
        in LinearGradient dw)
    {
        Expect.Floating(x, nameof(x));
        Expect.Weight(w.Weight, nameof(w), x.Type, w.Weight.Rows, x.Cols);
        if (!w.Bias.IsNone)
            Expect.Weight(w.Bias, "bias", x.Type, 1, w.Weight.Rows);
        Expect.That(w.Adapter.IsNone, "An output head has no adapter.");
        Expect.That(!w.Bias.IsNone || dw.Bias.IsNone, "The gradient of a bias that there is not.");
        Expect.Vector(targets, nameof(targets), DType.I32, x.Rows);
        DType statistic = Expect.Statistic(x.Type);
        Expect.Vector(losses, nameof(losses), statistic, x.Rows);
        Expect.OptionalMatrix(dx, nameof(dx), x.Type, x.Rows, x.Cols);
        CheckGradient(x, w, dw);
        LinearCrossEntropyKernel(x, w, targets, gradientScale, losses, dx, dw);
    }

    protected abstract void EmbeddingKernel(Tensor ids, Tensor table, float scale, Tensor y);

    protected abstract void EmbeddingBackwardKernel(Tensor ids, Tensor dy, float scale, int padding, Tensor dTable);

    protected abstract void LinearCrossEntropyKernel(
        Tensor x, in LinearWeight w, Tensor targets, float gradientScale, Tensor losses, Tensor dx,
        in LinearGradient dw);
}
