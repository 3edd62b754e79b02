using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

internal static unsafe class GatedMlp
{
    /// <summary>Gradients of a gated activation in place of its inputs, and its value in place of dHidden.</summary>
    /// <remarks>For i in [start, end): gate ← dHidden · up · f'(gate), up ← dHidden · f(gate),
    /// dHidden ← f(gate) · up, all from the values before.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward<TActivation, TElement>(void* gate, void* up, void* dHidden, long start, long end)
        where TActivation : IActivation
        where TElement : IElement
    {
        for (long i = start; i < end; i += 16)
        {
            TActivation.ValueAndSlope(
                Row.Load<TElement>(gate, 0, i, end), out Vector512<float> value, out Vector512<float> slope);
            Vector512<float> linear = Row.Load<TElement>(up, 0, i, end), d = Row.Load<TElement>(dHidden, 0, i, end);
            Row.Store<TElement>(d * (linear * slope), gate, 0, i, end);
            Row.Store<TElement>(d * value, up, 0, i, end);
            Row.Store<TElement>(value * linear, dHidden, 0, i, end);
        }
    }
}

/// <content>Blocks of rows, so that hidden activations [M, F] are never held in full.</content>
public sealed unsafe partial class CpuBackend
{
    /// <summary>Memory for hidden activations, and rows that a block has at least: below, packing the weights again
    /// for every block would show.</summary>
    private const long HiddenBytes = 8L << 20, LeastHiddenRows = 448;

    /// <summary>Most rows of a block, whatever the memory; an even number.</summary>
    internal long MostHiddenRows { get; init; } = long.MaxValue - 1;

    protected override void GatedMlpKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor residual,
        Tensor gated, Tensor upped, Tensor y)
    {
        LinearKernel(x, gate, gated);
        LinearKernel(x, up, upped);
        long rows = HiddenRows(gated);
        for (long start = 0, next; start < x.Rows; start = next)
        {
            long count = RowsFrom(start, rows, x.Rows, down.Adapter);
            Tensor hidden = ScratchTensor(ScratchUse.Hidden, gated.Type, count, gated.Cols);
            Tensor gatedRows = gated.Slice(start, count), uppedRows = upped.Slice(start, count);
            if (kind == Gate.GeGlu)
                Gated<TanhGelu>(gatedRows, uppedRows, hidden);
            else
                Gated<Silu>(gatedRows, uppedRows, hidden);
            Tensor residualRows = residual.IsNone ? Tensor.None : residual.Slice(start, count);
            LinearResidualKernel(hidden, RowsOf(down, start, count), residualRows, y.Slice(start, count));
            next = start + count;
        }
    }

    /// <remarks>dx takes the terms of gate and up in one chain, so that a BF16 dx is rounded once.</remarks>
    protected override void GatedMlpBackwardKernel(
        Tensor x, in LinearWeight gate, in LinearWeight up, in LinearWeight down, Gate kind, Tensor gated,
        Tensor upped, Tensor dy, InputGradient dx, in LinearGradient dGate, in LinearGradient dUp,
        in LinearGradient dDown)
    {
        RefuseDouble(x);
        long rows = HiddenRows(gated), start = 0;
        LinearGradient dDownRows = dDown;
        do
        {
            long count = RowsFrom(start, rows, x.Rows, down.Adapter);
            Tensor dyRows = dy.Slice(start, count);
            Tensor dHidden = ScratchTensor(ScratchUse.Hidden, gated.Type, count, gated.Cols);
            LinearWeight downRows = RowsOf(down, start, count);
            Tensor dProjected =
                down.Adapter.IsNone ? Tensor.None : ProjectGradient(downRows.Adapter, dyRows, ScratchUse.LowRank);
            _gemm.Multiply(PlusInputGradient(
                Product.To(dHidden), downRows, dyRows, dProjected, _rowTerms));
            Tensor gatedRows = gated.Slice(start, count), uppedRows = upped.Slice(start, count);
            if (kind == Gate.GeGlu)
                GatedInPlace<TanhGelu>(gatedRows, uppedRows, dHidden);
            else
                GatedInPlace<Silu>(gatedRows, uppedRows, dHidden);
            // In place of its gradient lies the hidden activation itself.
            AddWeightGradients(dHidden, downRows, dyRows, dProjected, dDownRows);
            dDownRows = dDown with { Overwrites = false };
            start += count;
        }
        while (start < x.Rows);

        GatedMlpInput(x, gate, up, gated, upped, dx, dGate, dUp);
    }

    private void GatedMlpInput(
        Tensor x, in LinearWeight gate, in LinearWeight up, Tensor dGated, Tensor dUpped, InputGradient dx,
        in LinearGradient dGate, in LinearGradient dUp)
    {
        Tensor dGateProjected = NeedsLowRank(gate, dx.Value, dGate)
            ? ProjectGradient(gate.Adapter, dGated, ScratchUse.LowRank) : Tensor.None;
        Tensor dUpProjected = NeedsLowRank(up, dx.Value, dUp)
            ? ProjectGradient(up.Adapter, dUpped, ScratchUse.SecondLowRank) : Tensor.None;
        AddWeightGradients(x, gate, dGated, dGateProjected, dGate);
        AddWeightGradients(x, up, dUpped, dUpProjected, dUp);
        if (dx.IsNone)
            return;
        Product product = PlusInputGradient(
            Into(dx.Value, dx.Overwrites), gate, dGated, dGateProjected, _rowTerms);
        _gemm.Multiply(PlusInputGradient(product, up, dUpped, dUpProjected, _secondRowTerms));
    }

    /// <summary>An even number, so that pairs of rows stay together.</summary>
    private long HiddenRows(Tensor gated) =>
        Math.Min(
            Math.Max(HiddenBytes / Math.Max(gated.Cols * gated.Type.Size(), 1), LeastHiddenRows) / 2 * 2,
            MostHiddenRows);

    private static LinearWeight RowsOf(in LinearWeight w, long start, long count) =>
        w.Adapter.IsNone
            ? w
            : w.Adapter.Groups is null
                ? w with { Adapter = w.Adapter with { Projected = w.Adapter.Projected.Slice(start, count) } }
                : w with { Adapter = w.Adapter with { FirstRow = start } };

    /// <summary>Rows of a block: all groups of rows are cut between pairs counted from their own first row.</summary>
    private static long RowsFrom(long start, long most, long rows, in LowRank adapter)
    {
        long end = Math.Min(start + most, rows);
        for (int index = 0; index < (adapter.Groups?.Count ?? 0) && end < rows; index++)
        {
            LowRankPart part = adapter.Part(index, rows);
            if (part.Start < end && end < part.Start + part.Rows && (end - part.Start) % 2 != 0)
                return end - 1 - start;
        }

        return end - start;
    }

    private void GatedInPlace<TActivation>(Tensor gated, Tensor upped, Tensor dHidden)
        where TActivation : IActivation
    {
        void* gate = (void*)gated.Address, up = (void*)upped.Address, d = (void*)dHidden.Address;
        if (IsSingle(gated))
            RunElements(new GatedMlpJob<TActivation, SingleElement>(gate, up, d, gated.Length), gated.Length);
        else
            RunElements(new GatedMlpJob<TActivation, BrainElement>(gate, up, d, gated.Length), gated.Length);
    }

    private readonly struct GatedMlpJob<TActivation, TElement>(void* gate, void* up, void* dHidden, long length)
        : IRangeJob
        where TActivation : IActivation
        where TElement : IElement
    {
        public void Run(long start, long end, int worker) =>
            Cpu.GatedMlp.Backward<TActivation, TElement>(
                gate, up, dHidden, start * ElementBlock, Math.Min(end * ElementBlock, length));
    }
}
