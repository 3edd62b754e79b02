using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine;

public sealed partial class Tape
{
    /// <summary>Rows of a table, scaled: [M] ids to [M, C].</summary>
    /// <param name="firstRow">Row of the table that id 0 stands for.</param>
    /// <param name="padding">An id whose rows take no gradient; −1 for none.</param>
    public Activation Embedding(Tensor ids, Parameter table, float scale, int firstRow = 0, int padding = -1)
    {
        Arena.Mark mark = _arena.Position;
        Tensor y = _arena.Take(table.Value.Type, new Shape(ids.Length, table.Value.Cols));
        backend.Embedding(ids, From(table.Value, firstRow), scale, y);
        Activation output = Result(y, table.IsTrained);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.Embedding, Mark = mark, Saved0 = ids, Weight = table, Scalar = scale, First = firstRow,
                Number = padding, Output = output,
            });
        return output;
    }

    /// <summary>x Wᵀ + bias: [M, K] to [M, N].</summary>
    public Activation Linear(Activation x, Linear w)
    {
        Arena.Mark mark = _arena.Position;
        Tensor y = _arena.Take(x.Value.Type, new Shape(x.Value.Rows, w.OutputWidth));
        Tensor projected = TakeProjected(x, w);
        Arena.Mark kept = _arena.Position;
        backend.Linear(x.Value, w.Values(projected, AdapterInput(x, w), _adapterRows), y);
        _arena.ReturnTo(kept);
        CountForward(x, w);
        Activation output = Result(y, !x.IsConstant || w.IsTrained);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.Linear, Mark = mark, X = x, Linear0 = w, Projected0 = projected, Output = output,
            });
        return output;
    }

    /// <summary>residual + x Wᵀ + bias: [M, K] and [M, N] to [M, N].</summary>
    public Activation LinearResidual(Activation x, Linear w, Activation residual)
    {
        Arena.Mark mark = _arena.Position;
        Tensor y = _arena.Take(residual.Value.Type, residual.Value.Shape);
        Tensor projected = TakeProjected(x, w);
        Arena.Mark kept = _arena.Position;
        backend.LinearResidual(
            x.Value, w.Values(projected, AdapterInput(x, w), _adapterRows), residual.Value, y);
        _arena.ReturnTo(kept);
        CountForward(x, w);
        Activation output = Result(y, !x.IsConstant || !residual.IsConstant || w.IsTrained);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.LinearResidual, Mark = mark, X = x, Y = residual, Linear0 = w, Projected0 = projected,
                Output = output,
            });
        return output;
    }

    /// <summary>residual + down(activation(gate x) · up x): [M, C] to [M, C].</summary>
    /// <remarks>Where adapters' inputs drop out it is made of plain ops: hidden activations are held then.</remarks>
    /// <param name="residual">Null where there is none.</param>
    public Activation GatedMlp(Activation x, Linear gate, Linear up, Linear down, Gate kind, Activation? residual)
    {
        if (DropoutOf(gate) > 0 || DropoutOf(up) > 0 || DropoutOf(down) > 0)
        {
            Activation hidden = Gated(Linear(x, gate), Linear(x, up), kind); // [M, F]
            return residual is { } carried ? LinearResidual(hidden, down, carried) : Linear(hidden, down);
        }

        Arena.Mark mark = _arena.Position;
        Activation rest = residual ?? new Activation(Tensor.None, -1);
        Tensor y = _arena.Take(x.Value.Type, new Shape(x.Value.Rows, down.OutputWidth));
        Tensor gated = _arena.Take(x.Value.Type, new Shape(x.Value.Rows, gate.OutputWidth));
        Tensor upped = _arena.Take(x.Value.Type, new Shape(x.Value.Rows, up.OutputWidth));
        Tensor gateProjected = TakeProjected(x, gate), upProjected = TakeProjected(x, up);
        Tensor downProjected = TakeProjected(x, down);
        backend.GatedMlp(
            x.Value, gate.Values(gateProjected, rows: _adapterRows), up.Values(upProjected, rows: _adapterRows),
            down.Values(downProjected, rows: _adapterRows), kind, rest.Value, gated, upped, y);
        CountForward(x, gate);
        CountForward(x, up);
        CountForward(x, down);
        bool trained = gate.IsTrained || up.IsTrained || down.IsTrained;
        Activation output = Result(y, !x.IsConstant || !rest.IsConstant || trained);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.GatedMlp, Mark = mark, X = x, Y = rest, Linear0 = gate, Linear1 = up, Linear2 = down,
                Projected0 = gateProjected, Projected1 = upProjected, Projected2 = downProjected, Gate = kind,
                Saved0 = gated, Saved1 = upped, Output = output,
            });
        return output;
    }

    /// <summary>activation(gate) · up.</summary>
    private Activation Gated(Activation gate, Activation up, Gate kind)
    {
        Arena.Mark mark = _arena.Position;
        Tensor y = _arena.Take(gate.Value.Type, gate.Value.Shape);
        if (kind == Gate.GeGlu)
            backend.GeGlu(gate.Value, up.Value, y);
        else
            backend.SwiGlu(gate.Value, up.Value, y);
        Activation output = Result(y, !gate.IsConstant || !up.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.Gated, Mark = mark, X = gate, Y = up, Gate = kind, Output = output,
            });
        return output;
    }

    /// <summary>Rows scaled to unit root mean square and by (offset + weight).</summary>
    public Activation RmsNorm(Activation x, Parameter weight, float offset, float eps)
    {
        Arena.Mark mark = _arena.Position;
        Tensor y = _arena.Take(x.Value.Type, x.Value.Shape);
        Tensor rstd = _arena.Take(Statistic(x.Value.Type), new Shape(x.Value.Rows));
        backend.RmsNorm(x.Value, weight.Value, offset, eps, y, rstd);
        Activation output = Result(y, !x.IsConstant || weight.IsTrained);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.RmsNorm, Mark = mark, X = x, Weight = weight, Scalar = offset, Saved0 = rstd,
                Output = output,
            });
        return output;
    }

    /// <summary>Rows shifted and scaled to mean 0 and variance 1, then by weight and bias.</summary>
    public Activation LayerNorm(Activation x, Parameter weight, Parameter bias, float eps)
    {
        Arena.Mark mark = _arena.Position;
        Tensor y = _arena.Take(x.Value.Type, x.Value.Shape);
        var rows = new Shape(x.Value.Rows);
        Tensor mean = _arena.Take(Statistic(x.Value.Type), rows), rstd = _arena.Take(Statistic(x.Value.Type), rows);
        backend.LayerNorm(x.Value, weight.Value, bias.Value, eps, y, mean, rstd);
        Activation output = Result(y, !x.IsConstant || weight.IsTrained || bias.IsTrained);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.LayerNorm, Mark = mark, X = x, Weight = weight, Bias = bias, Saved0 = mean, Saved1 = rstd,
                Output = output,
            });
        return output;
    }

    /// <summary>x · Φ(x), in its exact form.</summary>
    public Activation Gelu(Activation x)
    {
        Arena.Mark mark = _arena.Position;
        Tensor y = _arena.Take(x.Value.Type, x.Value.Shape);
        backend.Gelu(x.Value, y);
        Activation output = Result(y, !x.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord { Op = TapeOp.Gelu, Mark = mark, X = x, Output = output });
        return output;
    }

    /// <summary>Drops elements of x while training, in place: the argument must not be used again.</summary>
    /// <remarks>Where nothing drops out nothing is computed. The ops before it must not read their own output in the
    /// backward pass, as attention does.</remarks>
    /// <param name="rowKeys">I64 [M].</param>
    /// <param name="rate">In [0, 1).</param>
    /// <param name="layer">Which dropout of the model.</param>
    public Activation Dropout(Activation x, Tensor rowKeys, float rate, int layer)
    {
        if (!_training || rate == 0)
            return x;
        Arena.Mark mark = _arena.Position;
        backend.Dropout(x.Value, rowKeys, rate, KeyOf(layer), x.Value);
        Activation output = Result(x.Value, !x.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.Dropout, Mark = mark, X = x, Saved0 = rowKeys, Scalar = rate, Number = layer,
                Output = output,
            });
        return output;
    }

    /// <summary>Rotates the heads of x by position, in place: the argument must not be used again.</summary>
    public Activation Rope(Activation x, Tensor positions, Tensor table)
    {
        Arena.Mark mark = _arena.Position;
        backend.Rope(positions, table, inverse: false, x.Value);
        Activation output = Result(x.Value, !x.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.Rope, Mark = mark, X = x, Saved0 = positions, Saved1 = table, Output = output,
            });
        return output;
    }

    /// <summary>What drops out of attention's probabilities in this pass: nothing unless it trains.</summary>
    /// <inheritdoc cref="Dropout"/>
    public AttentionDropout DropoutOfAttention(Tensor rowKeys, float rate, int layer) =>
        _training && rate > 0 ? new AttentionDropout(rate, KeyOf(layer), rowKeys) : default;

    /// <summary>Softmax attention within segments: q [M, H·D], k and v [M, K·D] to [M, H·D].</summary>
    public Activation Attention(
        Activation q, Activation k, Activation v, Segments segments, in AttentionShape shape)
    {
        Arena.Mark mark = _arena.Position;
        Tensor o = _arena.Take(q.Value.Type, q.Value.Shape);
        Tensor lse = _arena.Take(Statistic(q.Value.Type), new Shape(q.Value.Rows, shape.Heads));
        backend.Attention(q.Value, k.Value, v.Value, segments, shape, o, lse);
        Activation output = Result(o, !q.IsConstant || !k.IsConstant || !v.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.Attention, Mark = mark, X = q, Y = k, Z = v, Segments = segments, Shape = shape,
                Saved0 = lse, Output = output,
            });
        return output;
    }

    public Activation Add(Activation x, Activation y)
    {
        Arena.Mark mark = _arena.Position;
        Tensor z = _arena.Take(x.Value.Type, x.Value.Shape);
        backend.Add(x.Value, y.Value, z);
        Activation output = Result(z, !x.IsConstant || !y.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord { Op = TapeOp.Add, Mark = mark, X = x, Y = y, Output = output });
        return output;
    }

    /// <summary>Cross-entropy of softmax(x Wᵀ + bias) per row in nats; in a training pass also the gradients.</summary>
    /// <param name="targets">I32 [M]; <see cref="Backend.IgnoredTarget"/> predicts nothing.</param>
    /// <param name="gradientScale">One over the tokens that the whole optimizer step predicts.</param>
    /// <param name="losses">[M] of the statistic type, overwritten; 0 where nothing is predicted.</param>
    /// <param name="predicting">Rows that do predict something, the only ones that cost; −1 for all.</param>
    public void LinearCrossEntropy(
        Activation x, Linear head, Tensor targets, float gradientScale, Tensor losses, long predicting = -1) =>
        LinearCrossEntropy(x, new RowRange(0, x.Value.Rows), head, targets, gradientScale, losses, predicting);

    /// <summary>The same of some rows of x, whose targets and losses are [rows].</summary>
    public void LinearCrossEntropy(
        Activation x, RowRange rows, Linear head, Tensor targets, float gradientScale, Tensor losses,
        long predicting = -1)
    {
        Tensor part = x.Value.Slice(rows.Start, rows.Count);
        Tensor dx = _recording && !x.IsConstant ? GradientOf(x).Slice(rows.Start, rows.Count) : Tensor.None;
        LinearGradient dw = _recording ? head.TakeGradients() : default;
        backend.LinearCrossEntropy(part, head.Values(projected: default), targets, gradientScale, losses, dx, dw);
        Count(
            predicting < 0 ? rows.Count : predicting,
            head.Weight.Value.Length * (1 + (dx.IsNone ? 0 : 1) + (dw.Weight.IsNone ? 0 : 1)));
    }

    private DropoutKey KeyOf(int layer) => new(_random.Seed, _random.Update, layer);

    private static Tensor From(Tensor table, int firstRow) => table.Slice(firstRow, table.Rows - firstRow);

    private static DType Statistic(DType type) => type == DType.F64 ? DType.F64 : DType.F32;
}
