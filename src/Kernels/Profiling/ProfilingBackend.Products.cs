namespace FastCpt.Kernels.Profiling;

public sealed partial class ProfilingBackend
{
    protected override void LinearKernel(Tensor x, in LinearWeight w, Tensor y)
    {
        long start = Begin();
        inner.Linear(x, w, y);
        End(nameof(Linear), start, OpCost.OfLinear(x, w, y));
    }

    protected override void LinearBackwardKernel(
        Tensor x, in LinearWeight w, Tensor dy, InputGradient dx, in LinearGradient dw)
    {
        long start = Begin();
        inner.LinearBackward(x, w, dy, dx, dw);
        End(nameof(LinearBackward), start, OpCost.OfLinearBackward(x, w, dy, dx, dw));
    }

    public override long PackedFloats(Tensor w, WeightSide side) => inner.PackedFloats(w, side);

    protected override void PackWeightKernel(Tensor w, WeightSide side, Tensor packed) =>
        inner.PackWeight(w, side, packed);

    protected override void LinearResidualKernel(Tensor x, in LinearWeight w, Tensor residual, Tensor y)
    {
        long start = Begin();
        inner.LinearResidual(x, w, residual, y);
        End(nameof(LinearResidual), start, OpCost.OfLinear(x, w, y) + OpCost.Touching(residual));
    }

    protected override void GatedMlpKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor residual,
        Tensor gated, Tensor upped, Tensor y)
    {
        long start = Begin();
        inner.GatedMlp(x, gate, up, down, kind, residual, gated, upped, y);
        End(nameof(GatedMlp), start, OpCost.OfLinear(x, gate, gated) + OpCost.OfLinear(x, up, upped)
            + OpCost.OfLinear(gated, down, y) + OpCost.Touching(residual));
    }

    protected override void GatedMlpBackwardKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor gated,
        Tensor upped, Tensor dy, InputGradient dx, in LinearGradient dGate, in LinearGradient dUp,
        in LinearGradient dDown)
    {
        long start = Begin();
        inner.GatedMlpBackward(x, gate, up, down, kind, gated, upped, dy, dx, dGate, dUp, dDown);
        End(nameof(GatedMlpBackward), start, OpCost.OfLinearBackward(x, gate, gated, dx, dGate)
            + OpCost.OfLinearBackward(x, up, upped, dx with { Overwrites = false }, dUp)
            + OpCost.OfLinearBackward(gated, down, dy, gated, dDown));
    }

    protected override void LinearCrossEntropyKernel(
        Tensor x, in LinearWeight w, Tensor targets, float gradientScale, Tensor losses, Tensor dx,
        in LinearGradient dw)
    {
        long rows = Predicting(targets), start = Begin();
        inner.LinearCrossEntropy(x, w, targets, gradientScale, losses, dx, dw);
        End(nameof(LinearCrossEntropy), start,
            OpCost.OfLinearCrossEntropy(x, w, targets, rows, losses, dx, dw));
    }
}
