namespace FastCpt.Kernels;

public abstract partial class Backend
{
    /// <summary>y = x Wᵀ + bias + scale · (x Aᵀ) Bᵀ.</summary>
    /// <remarks>A, B and scale may be those of a row's group: see <see cref="LowRankGroups"/>.</remarks>
    /// <param name="x">[M, K].</param>
    /// <param name="w">Weight [N, K].</param>
    /// <param name="y">[M, N], overwritten; its type may differ from x's (F32 logits of BF16 activations).</param>
    public void Linear(Tensor x, in LinearWeight w, Tensor y)
    {
        CheckLinear(x, w, y);
        LinearKernel(x, w, y);
    }

    /// <summary>Gradients of <see cref="Linear"/>.</summary>
    /// <remarks>dx (+)= dy W + scale · (dy B) A; dW += dyᵀ x; dBias += Σ rows of dy;
    /// dB += dyᵀ projected; dA += scale · (dy B)ᵀ x. An adapter with an input of its own has that for x, and the
    /// gradient of that for dx. Gradients of groups' terms are sums over their own rows; weight and bias, which groups
    /// share, have none.</remarks>
    /// <param name="x">[M, K].</param>
    /// <param name="dy">[M, N].</param>
    /// <param name="dx">[M, K] or none.</param>
    public void LinearBackward(Tensor x, in LinearWeight w, Tensor dy, InputGradient dx, in LinearGradient dw)
    {
        CheckLinear(x, w, dy);
        Expect.OptionalMatrix(dx.Value, nameof(dx), x.Type, x.Rows, x.Cols);
        CheckGradient(x, w, dw);
        LinearBackwardKernel(x, w, dy, dx, dw);
    }

    /// <summary>Length of a weight's packed copy; 0 where the backend has no use for one.</summary>
    /// <param name="w">[N, K].</param>
    public virtual long PackedFloats(Tensor w, WeightSide side) => 0;

    /// <summary>Makes a packed copy of a weight, which serves until the weight changes.</summary>
    /// <param name="w">[N, K].</param>
    /// <param name="packed">F32 of <see cref="PackedFloats"/> elements, overwritten.</param>
    public void PackWeight(Tensor w, WeightSide side, Tensor packed)
    {
        Expect.Floating(w, "weight");
        Expect.Vector(packed, nameof(packed), DType.F32, PackedFloats(w, side));
        PackWeightKernel(w, side, packed);
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
        Tensor upped, Tensor dy, InputGradient dx, in LinearGradient dGate, in LinearGradient dUp,
        in LinearGradient dDown)
    {
        CheckGatedMlp(x, gate, up, down, gated, upped, dy);
        Expect.OptionalMatrix(dx.Value, nameof(dx), x.Type, x.Rows, x.Cols);
        CheckGradient(x, gate, dGate);
        CheckGradient(x, up, dUp);
        CheckGradient(gated, down, dDown);
        GatedMlpBackwardKernel(x, gate, up, down, kind, gated, upped, dy, dx, dGate, dUp, dDown);
    }

    protected abstract void LinearKernel(Tensor x, in LinearWeight w, Tensor y);

    protected abstract void LinearBackwardKernel(
        Tensor x, in LinearWeight w, Tensor dy, InputGradient dx, in LinearGradient dw);

    protected virtual void PackWeightKernel(Tensor w, WeightSide side, Tensor packed)
    {
    }

    protected abstract void LinearResidualKernel(Tensor x, in LinearWeight w, Tensor residual, Tensor y);

    protected abstract void GatedMlpKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor residual,
        Tensor gated, Tensor upped, Tensor y);

    protected abstract void GatedMlpBackwardKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor gated,
        Tensor upped, Tensor dy, InputGradient dx, in LinearGradient dGate, in LinearGradient dUp,
        in LinearGradient dDown);

    private void CheckLinear(Tensor x, in LinearWeight w, Tensor y)
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
        CheckPacked(w);
        if (w.Adapter.IsNone)
            return;
        Expect.Matrix(w.Adapter.Projected, "projected", x.Type, x.Rows, w.Adapter.Rank);
        Expect.OptionalMatrix(w.Adapter.Input, "adapter input", x.Type, x.Rows, k);
        if (w.Adapter.Groups is not { } groups)
            CheckTerm(x, w.Adapter.A, w.Adapter.B, n);
        else
            for (int index = 0; index < groups.Count; index++)
            {
                ref readonly LowRankGroup group = ref groups[index];
                CheckTerm(x, group.A, group.B, n);
                Expect.That(
                    group.Start + group.Rows <= x.Rows,
                    $"Rows {group.Start} to {group.Start + group.Rows} of a group in a layer of {x.Rows} rows.");
            }
    }

    private static void CheckTerm(Tensor x, Tensor a, Tensor b, long n)
    {
        Expect.Weight(a, "A", x.Type, a.Rows, x.Cols);
        Expect.Weight(b, "B", x.Type, n, a.Rows);
    }

    private void CheckPacked(in LinearWeight w)
    {
        if (!w.Packed.Forward.IsNone)
            Expect.Vector(w.Packed.Forward, "packed", DType.F32, PackedFloats(w.Weight, WeightSide.Forward));
        if (!w.Packed.Backward.IsNone)
            Expect.Vector(w.Packed.Backward, "packed", DType.F32, PackedFloats(w.Weight, WeightSide.Backward));
    }

    private static void CheckGradient(Tensor x, in LinearWeight w, in LinearGradient dw)
    {
        DType statistic = Expect.Statistic(x.Type);
        Expect.OptionalMatrix(dw.Weight, "dWeight", statistic, w.Weight.Rows, w.Weight.Cols);
        Expect.OptionalVector(dw.Bias, "dBias", statistic, w.Weight.Rows);
        Expect.That(!w.Adapter.A.IsNone || (dw.A.IsNone && dw.B.IsNone), "Adapter gradients without an adapter.");
        Expect.That(
            !w.Adapter.Input.IsNone || dw.Input.IsNone, "A gradient of the adapter's input, which is the layer's own.");
        Expect.That(
            w.Adapter.Groups is null || (dw.Weight.IsNone && dw.Bias.IsNone),
            "A gradient of a weight or bias that groups of rows share: it is frozen.");
        if (w.Adapter.IsNone)
            return;
        Expect.OptionalMatrix(dw.Input, "adapter input's gradient", x.Type, x.Rows, x.Cols);
        for (int index = 0; index < w.Adapter.PartCount; index++)
        {
            LowRankPart part = w.Adapter.Part(index, x.Rows);
            LowRankGradient gradient = w.Adapter.GradientOf(index, dw);
            Expect.OptionalMatrix(gradient.A, "dA", statistic, part.A.Rows, part.A.Cols);
            Expect.OptionalMatrix(gradient.B, "dB", statistic, part.B.Rows, part.B.Cols);
        }
    }

    private void CheckGatedMlp(
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
