namespace FastCpt.Kernels;

public abstract partial class Backend
{
    /// <summary>y = x Wᵀ + bias + scale · (x Aᵀ) Bᵀ.</summary>
    /// <param name="x">[M, K].</param>
    /// <param name="w">Weight [N, K].</param>
    /// <param name="y">[M, N], overwritten; its type may differ from x's (F32 logits of BF16 activations).</param>
    public void Linear(Tensor x, in LinearWeight w, Tensor y)
    {
        CheckLinear(x, w, y);
        LinearKernel(x, w, y);
    }

    /// <summary>Gradients of <see cref="Linear"/>.</summary>
    /// <remarks>dx += dy W + scale · (dy B) A; dW += dyᵀ x; dBias += Σ rows of dy;
    /// dB += dyᵀ projected; dA += scale · (dy B)ᵀ x. An adapter with an input of its own has that for x, and the
    /// gradient of that for dx.</remarks>
    /// <param name="x">[M, K].</param>
    /// <param name="dy">[M, N].</param>
    /// <param name="dx">[M, K] or none.</param>
    public void LinearBackward(Tensor x, in LinearWeight w, Tensor dy, Tensor dx, in LinearGradient dw)
    {
        CheckLinear(x, w, dy);
        Expect.OptionalMatrix(dx, nameof(dx), x.Type, x.Rows, x.Cols);
        CheckGradient(x, w, dw);
        LinearBackwardKernel(x, w, dy, dx, dw);
    }

    /// <summary>y = residual + x Wᵀ + bias + scale · (x Aᵀ) Bᵀ.</summary>
    /// <remarks>Composes <see cref="Linear"/> and <see cref="Add"/> with one rounding. Its backward is that of
    /// <see cref="Linear"/>; the residual's gradient is dy itself.</remarks>
    /// <param name="residual">[M, N]; y may be the same tensor.</param>
    public void LinearResidual(Tensor x, in LinearWeight w, Tensor residual, Tensor y)
    {
        CheckLinear(x, w, y);
        Expect.Matrix(residual, nameof(residual), y.Type, y.Rows, y.Cols);
        LinearResidualKernel(x, w, residual, y);
    }

    /// <summary>A gated feed-forward layer: y = (residual +) down(activation(gate x) · up x).</summary>
    /// <remarks>Composes <see cref="Linear"/>, <see cref="GeGlu"/> or <see cref="SwiGlu"/>, and
    /// <see cref="LinearResidual"/>. Shazeer 2020, equation 6.</remarks>
    /// <param name="x">[M, C].</param>
    /// <param name="gate">Weight [F, C].</param>
    /// <param name="up">Weight [F, C].</param>
    /// <param name="down">Weight [C, F].</param>
    /// <param name="residual">[M, C] or none; y may be the same tensor.</param>
    /// <param name="gated">gate x [M, F], overwritten; backward reads it.</param>
    /// <param name="upped">up x [M, F], overwritten; backward reads it.</param>
    /// <param name="y">[M, C], overwritten.</param>
    public void GatedMlp(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor residual,
        Tensor gated, Tensor upped, Tensor y)
    {
        CheckGatedMlp(x, gate, up, down, gated, upped, y);
        Expect.OptionalMatrix(residual, nameof(residual), y.Type, y.Rows, y.Cols);
        GatedMlpKernel(x, gate, up, down, kind, residual, gated, upped, y);
    }

    /// <summary>Gradients of <see cref="GatedMlp"/>; the residual's gradient is dy itself.</summary>
    /// <remarks>The hidden activations [M, F] are recomputed from gated and upped, which are overwritten with their
    /// own gradients: they are read for the last time here.</remarks>
    /// <param name="dx">[M, C] or none.</param>
    public void GatedMlpBackward(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor gated,
        Tensor upped, Tensor dy, Tensor dx, in LinearGradient dGate, in LinearGradient dUp, in LinearGradient dDown)
    {
        CheckGatedMlp(x, gate, up, down, gated, upped, dy);
        Expect.OptionalMatrix(dx, nameof(dx), x.Type, x.Rows, x.Cols);
        CheckGradient(x, gate, dGate);
        CheckGradient(x, up, dUp);
        CheckGradient(gated, down, dDown);
        GatedMlpBackwardKernel(x, gate, up, down, kind, gated, upped, dy, dx, dGate, dUp, dDown);
    }

    protected abstract void LinearKernel(Tensor x, in LinearWeight w, Tensor y);

    protected abstract void LinearBackwardKernel(
        Tensor x, in LinearWeight w, Tensor dy, Tensor dx, in LinearGradient dw);

    protected abstract void LinearResidualKernel(Tensor x, in LinearWeight w, Tensor residual, Tensor y);

    protected abstract void GatedMlpKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor residual,
        Tensor gated, Tensor upped, Tensor y);

    protected abstract void GatedMlpBackwardKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor gated,
        Tensor upped, Tensor dy, Tensor dx, in LinearGradient dGate, in LinearGradient dUp, in LinearGradient dDown);

    private static void CheckLinear(Tensor x, in LinearWeight w, Tensor y)
    {
        Expect.Floating(x, nameof(x));
        Expect.Floating(w.Weight, "weight");
        long n = w.Weight.Rows, k = w.Weight.Cols;
        Expect.Weight(w.Weight, "weight", x.Type, n, k);
        Expect.Matrix(x, nameof(x), x.Type, x.Rows, k);
        Expect.Floating(y, nameof(y));
        Expect.Matrix(y, nameof(y), y.Type, x.Rows, n);
        Expect.That(x.Type == DType.F64 == (y.Type == DType.F64), $"x is {x}, y is {y}: F64 goes with F64 alone.");
        if (!w.Bias.IsNone)
            Expect.Weight(w.Bias, "bias", x.Type, 1, n);
        if (w.Adapter.IsNone)
            return;
        long rank = w.Adapter.A.Rows;
        Expect.Weight(w.Adapter.A, "A", x.Type, rank, k);
        Expect.Weight(w.Adapter.B, "B", x.Type, n, rank);
        Expect.Matrix(w.Adapter.Projected, "projected", x.Type, x.Rows, rank);
        Expect.OptionalMatrix(w.Adapter.Input, "adapter input", x.Type, x.Rows, k);
    }

    private static void CheckGradient(Tensor x, in LinearWeight w, in LinearGradient dw)
    {
        DType statistic = Expect.Statistic(x.Type);
        Expect.OptionalMatrix(dw.Weight, "dWeight", statistic, w.Weight.Rows, w.Weight.Cols);
        Expect.OptionalVector(dw.Bias, "dBias", statistic, w.Weight.Rows);
        Expect.That(!w.Adapter.IsNone || (dw.A.IsNone && dw.B.IsNone), "Adapter gradients without an adapter.");
        Expect.That(
            !w.Adapter.Input.IsNone || dw.Input.IsNone, "A gradient of the adapter's input, which is the layer's own.");
        if (w.Adapter.IsNone)
            return;
        Expect.OptionalMatrix(dw.A, "dA", statistic, w.Adapter.A.Rows, w.Adapter.A.Cols);
        Expect.OptionalMatrix(dw.B, "dB", statistic, w.Adapter.B.Rows, w.Adapter.B.Cols);
        Expect.OptionalMatrix(dw.Input, "adapter input's gradient", x.Type, x.Rows, x.Cols);
    }

    private static void CheckGatedMlp(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Tensor gated, Tensor upped,
        Tensor y)
    {
        CheckLinear(x, gate, gated);
        CheckLinear(x, up, upped);
        CheckLinear(gated, down, y);
        Expect.That(
            down.Adapter.Input.IsNone, "The adapter of down multiplies the hidden activations, which are never held.");
        Expect.That(
            gated.Type == x.Type && upped.Type == x.Type && y.Type == x.Type,
            $"x, gated, upped and y share a type: {x}, {gated}, {upped}, {y}.");
    }
}
