using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine;

public sealed partial class Tape
{
    private void ReplayDownTo(int first)
    {
        while (_recordCount > first)
        {
            _recordCount--;
            // A copy: replaying a block writes over the list from here on.
            TapeRecord record = _records[_recordCount];
            _records[_recordCount] = default;
            if (record.Part != _part)
                Mark(record.Part);
            if (!_gradients[record.Output.Slot].IsNone)
                Replay(record);
            GiveUpGradient(record.Output.Slot);
            _arena.ReturnTo(record.Mark);
        }
    }

    private void Replay(in TapeRecord record)
    {
        switch (record.Op)
        {
            case TapeOp.Embedding:
                backend.EmbeddingBackward(
                    record.Saved0, GradientOf(record.Output), record.Scalar, record.Number,
                    From(record.Weight!.Gradient, record.First));
                break;
            case TapeOp.Linear:
                PushBackLinear(record);
                break;
            case TapeOp.LinearResidual:
                PushBackLinear(record);
                PassOn(record.Output.Slot, record.Y);
                break;
            case TapeOp.GatedMlp:
                PushBackGatedMlp(record);
                break;
            case TapeOp.Gated:
                PushBackGated(record);
                break;
            case TapeOp.RmsNorm:
                backend.RmsNormBackward(
                    record.X.Value, record.Weight!.Value, record.Scalar, record.Saved0, GradientOf(record.Output),
                    GradientOf(record.X), record.Weight.Gradient);
                break;
            case TapeOp.LayerNorm:
                backend.LayerNormBackward(
                    record.X.Value, record.Weight!.Value, record.Saved0, record.Saved1, GradientOf(record.Output),
                    GradientOf(record.X), record.Weight.Gradient, record.Bias!.Gradient);
                break;
            case TapeOp.Gelu:
                backend.GeluBackward(record.X.Value, GradientOf(record.Output), GradientToWrite(record.X));
                break;
            case TapeOp.Dropout:
                // The gradient of what dropped out is dropped too, in place, by the same mask.
                Tensor dy = GradientOf(record.Output);
                backend.Dropout(dy, record.Saved0, record.Scalar, KeyOf(record.Number), dy);
                PassOn(record.Output.Slot, record.X);
                break;
            case TapeOp.Rope:
                backend.Rope(record.Saved0, record.Saved1, inverse: true, GradientOf(record.Output));
                PassOn(record.Output.Slot, record.X);
                break;
            case TapeOp.Attention:
                PushBackAttention(record);
                break;
            case TapeOp.Add:
                PushBackAdd(record);
                break;
            case TapeOp.Copy or TapeOp.Rows or TapeOp.AddRows or TapeOp.Permute:
                PushBackRows(record);
                break;
            case TapeOp.Block:
                PushBackBlock(record);
                break;
            default:
                throw new InvalidOperationException($"No backward pass for {record.Op}.");
        }
    }

    private void PushBackGatedMlp(in TapeRecord record)
    {
        Linear gate = record.Linear0!, up = record.Linear1!, down = record.Linear2!; // the forward pass recorded them
        backend.GatedMlpBackward(
            record.X.Value, Values(gate, record.Projected0), Values(up, record.Projected1),
            Values(down, record.Projected2), record.Gate, record.Saved0, record.Saved1, GradientOf(record.Output),
            GradientToWrite(record.X), gate.TakeGradients(_adapterRows), up.TakeGradients(_adapterRows),
            down.TakeGradients(_adapterRows));
        CountBackward(record.X, gate, needsInputGradient: !record.X.IsConstant);
        CountBackward(record.X, up, needsInputGradient: !record.X.IsConstant);
        CountBackward(record.X, down, needsInputGradient: true);
        PassOn(record.Output.Slot, record.Y);

        LinearWeight Values(Linear w, Tensor projected) =>
            w.Values(projected, rows: _adapterRows, takesGradients: true);
    }

    private void PushBackGated(in TapeRecord record)
    {
        Tensor dy = GradientOf(record.Output), dGate = GradientOrScratch(record.X), dUp = GradientOrScratch(record.Y);
        if (record.Gate == Gate.GeGlu)
            backend.GeGluBackward(record.X.Value, record.Y.Value, dy, dGate, dUp);
        else
            backend.SwiGluBackward(record.X.Value, record.Y.Value, dy, dGate, dUp);
    }

    private void PushBackAttention(in TapeRecord record)
    {
        // Queries, keys and values may differ in whether what made them is trained.
        backend.AttentionBackward(
            record.X.Value, record.Y.Value, record.Z.Value, record.Segments, record.Shape, record.Output.Value,
            record.Saved0, GradientOf(record.Output), GradientOrScratch(record.X), GradientOrScratch(record.Y),
            GradientOrScratch(record.Z));
    }

    /// <summary>The gradient of an activation, or memory that is thrown away with the record's.</summary>
    private Tensor GradientOrScratch(Activation activation)
    {
        if (!activation.IsConstant)
            return GradientOf(activation);
        Tensor scratch = _arena.Take(activation.Value.Type, activation.Value.Shape);
        backend.Fill(0, scratch);
        return scratch;
    }

    private void PushBackAdd(in TapeRecord record)
    {
        if (!record.Y.IsConstant)
        {
            Tensor dy = GradientOf(record.Y);
            backend.Add(dy, GradientOf(record.Output), dy);
        }

        PassOn(record.Output.Slot, record.X);
    }

    /// <summary>Runs a block again, this time recording, and pushes its output's gradient back through it.</summary>
    private void PushBackBlock(in TapeRecord record)
    {
        int firstRecord = _recordCount, firstSlot = _slotCount;
        (_recompute, _again) = (false, true);
        Activation output = record.Block!.Forward(this, record.X);
        _again = false;
        PassOn(record.Output.Slot, output);
        ReplayDownTo(firstRecord);
        _recompute = true;
        _slotCount = firstSlot;
    }
}
