using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine;

/// <content>Adapters of linear layers: which rows they serve, their dropout, and what they cost.</content>
public sealed partial class Tape
{
    private AdapterRows? _adapterRows;
    private Tensor _rowKeys;

    /// <summary>Says what adapters have to know of the pass's rows; a pass begins without.</summary>
    /// <param name="rowKeys">I64 [M]: what the rows' dropout depends on; none where nothing drops out.</param>
    /// <param name="adapters">Null where every layer's first adapter serves all rows.</param>
    public void SetRows(Tensor rowKeys, AdapterRows? adapters) => (_rowKeys, _adapterRows) = (rowKeys, adapters);

    private int UseCount => _adapterRows?.Count ?? 1;

    /// <summary>An adapter that serves rows of a layer, and how many.</summary>
    private (LowRankAdapter? Adapter, long Rows) Use(Linear w, int index, long rows) =>
        _adapterRows is null
            ? (w.Adapter, rows)
            : (w.AdapterAt(_adapterRows[index].Adapter), _adapterRows[index].Rows.Count);

    /// <summary>Memory for scale · x Aᵀ of one use of a layer, which its backward pass reads; none without an adapter.
    /// </summary>
    private Tensor TakeProjected(Activation x, Linear w)
    {
        long rank = 0;
        for (int index = 0; index < UseCount; index++)
            rank = Math.Max(rank, Use(w, index, 0).Adapter?.Rank ?? 0);
        return rank == 0 ? Tensor.None : _arena.Take(x.Value.Type, new Shape(x.Value.Rows, rank));
    }

    /// <summary>The rate at which what a layer's adapters multiply drops out in this pass.</summary>
    /// <exception cref="InvalidOperationException">Adapters of one layer differ in it.</exception>
    private float DropoutOf(Linear w)
    {
        if (!_training)
            return 0;
        float rate = float.NaN;
        for (int index = 0; index < UseCount; index++)
            if (Use(w, index, 0).Adapter is { } adapter)
                rate = float.IsNaN(rate) || rate == adapter.Dropout
                    ? adapter.Dropout
                    : throw new InvalidOperationException(
                        $"{w}: adapters of one pass drop out {rate} and {adapter.Dropout} of their inputs.");
        return float.IsNaN(rate) ? 0 : rate;
    }

    /// <summary>x after the dropout of a layer's adapters; none where nothing drops out.</summary>
    /// <remarks>Made again in the backward pass: a copy for each of a block's layers, kept, would be almost half as
    /// much memory again as its activations.</remarks>
    private Tensor AdapterInput(Activation x, Linear w)
    {
        float rate = DropoutOf(w);
        if (rate == 0)
            return Tensor.None;
        Tensor dropped = _arena.Take(x.Value.Type, x.Value.Shape);
        backend.Dropout(x.Value, _rowKeys, rate, KeyOf(w.DropoutLayer), dropped);
        return dropped;
    }

    private void PushBackLinear(in TapeRecord record)
    {
        Linear w = record.Linear0!; // the forward pass recorded it
        InputGradient dx = GradientToWrite(record.X);
        Tensor input = AdapterInput(record.X, w);
        Tensor dInput = input.IsNone ? Tensor.None : GradientOfCopy(record.X);
        backend.LinearBackward(
            record.X.Value, w.Values(record.Projected0, input, _adapterRows, takesGradients: true),
            GradientOf(record.Output), dx, w.TakeGradients(_adapterRows) with { Input = dInput });
        if (!dInput.IsNone)
            backend.DropoutBackward(dInput, _rowKeys, DropoutOf(w), KeyOf(w.DropoutLayer), dx.Value);
        CountBackward(record.X, w, needsInputGradient: !record.X.IsConstant);
    }

    /// <summary>Zeros, as long as the record's memory; none for a constant.</summary>
    private Tensor GradientOfCopy(Activation x)
    {
        if (x.IsConstant)
            return Tensor.None;
        Tensor gradient = _arena.Take(x.Value.Type, x.Value.Shape);
        backend.Fill(0, gradient);
        return gradient;
    }

    private void CountForward(Activation x, Linear w)
    {
        if (_again)
            return;
        Count(x.Value.Rows, w.Weight.Value.Length);
        for (int index = 0; index < UseCount; index++)
            if (Use(w, index, x.Value.Rows) is ({ } adapter, var rows))
                Count(rows, adapter.Length);
    }

    /// <summary>The input's gradient costs what the forward pass does, each trained part its own length.</summary>
    private void CountBackward(Activation x, Linear w, bool needsInputGradient)
    {
        Count(
            x.Value.Rows, w.Weight.Value.Length * ((w.Weight.IsTrained ? 1 : 0) + (needsInputGradient ? 1 : 0)));
        for (int index = 0; index < UseCount; index++)
            if (Use(w, index, x.Value.Rows) is ({ } adapter, var rows))
                // dA needs dy B too, the first of two products that lead to the input.
                Count(rows, (adapter.A.IsTrained ? adapter.A.Value.Length : 0)
                    + (adapter.B.IsTrained ? adapter.B.Value.Length : 0)
                    + (needsInputGradient || adapter.A.IsTrained ? adapter.B.Value.Length : 0)
                    + (needsInputGradient ? adapter.A.Value.Length : 0));
    }

    private void Count(long rows, long length) => ProductFlops += 2.0 * rows * length;
}
