using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine;

/// <content>Rows of activations: some of them, sums into some of them, another order. Nothing is rounded but sums.
/// </content>
public sealed partial class Tape
{
    /// <summary>Zeros: a constant [rows, cols] to add rows to.</summary>
    /// <param name="type">As that of the rows.</param>
    public Activation Zeros(DType type, long rows, long cols)
    {
        Tensor zeros = _arena.Take(type, new Shape(rows, cols));
        backend.Fill(0, zeros);
        return new Activation(zeros, -1);
    }

    /// <summary>The same values in memory of their own.</summary>
    public Activation Copy(Activation x)
    {
        Arena.Mark mark = _arena.Position;
        Tensor y = _arena.Take(x.Value.Type, x.Value.Shape);
        backend.Convert(x.Value, y);
        Activation output = Result(y, !x.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord { Op = TapeOp.Copy, Mark = mark, X = x, Output = output });
        return output;
    }

    /// <summary>Neighbouring rows of x, where they lie.</summary>
    public Activation Rows(Activation x, RowRange rows)
    {
        Activation output = Result(x.Value.Slice(rows.Start, rows.Count), !x.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.Rows, Mark = _arena.Position, X = x, First = checked((int)rows.Start), Output = output,
            });
        return output;
    }

    /// <summary>Adds y to the rows of x from the first on, in place: x must not be used again.</summary>
    /// <remarks>What made x must not read its output in the backward pass.</remarks>
    /// <param name="x">[M, C].</param>
    /// <param name="y">[m, C].</param>
    /// <returns>[M, C].</returns>
    public Activation AddRows(Activation x, Activation y, long first)
    {
        Tensor rows = x.Value.Slice(first, y.Value.Rows);
        backend.Add(rows, y.Value, rows);
        Activation output = Result(x.Value, !x.IsConstant || !y.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.AddRows, Mark = _arena.Position, X = x, Y = y, First = checked((int)first),
                Output = output,
            });
        return output;
    }

    /// <summary>All rows of x in another order: row i of the result is row order[i] of x.</summary>
    /// <param name="order">I32 [M]: every row once.</param>
    /// <param name="inverse">I32 [M]: where each row of x goes.</param>
    public Activation Permute(Activation x, Tensor order, Tensor inverse)
    {
        Arena.Mark mark = _arena.Position;
        Tensor y = _arena.Take(x.Value.Type, x.Value.Shape);
        backend.Embedding(order, x.Value, scale: 1, y);
        Activation output = Result(y, !x.IsConstant);
        if (!output.IsConstant)
            Record(new TapeRecord
            {
                Op = TapeOp.Permute, Mark = mark, X = x, Saved0 = inverse, Output = output,
            });
        return output;
    }

    private void PushBackRows(in TapeRecord record)
    {
        switch (record.Op)
        {
            case TapeOp.Rows:
                Tensor part = GradientOf(record.X).Slice(record.First, record.Output.Value.Rows);
                backend.Add(part, GradientOf(record.Output), part);
                return;
            case TapeOp.Permute:
                Tensor dx = GradientOf(record.X), ordered = _arena.Take(dx.Type, dx.Shape);
                backend.Embedding(record.Saved0, GradientOf(record.Output), scale: 1, ordered);
                backend.Add(dx, ordered, dx);
                return;
            case TapeOp.AddRows when !record.Y.IsConstant:
                Tensor dy = GradientOf(record.Y);
                backend.Add(dy, GradientOf(record.Output).Slice(record.First, dy.Rows), dy);
                break;
        }

        PassOn(record.Output.Slot, record.X);
    }
}
