using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Training;

/// <summary>
/// Gradient of one optimizer step: the mean loss over all tokens that its micro-batches predict together.
/// </summary>
/// <remarks>
/// The divisor is known before the first micro-batch, so k micro-batches give what one of k times the size gives,
/// ragged windows included. Adding means of means, or dividing by an assumed count, is a known trap.
/// </remarks>
internal sealed class StepGradient(
    Model model, ParameterSet trained, Tape tape, TokenLosses losses, BatchSource batches, bool recompute, ulong seed,
    StopSignal stop)
{
    /// <summary>Of the last step, in nats per token.</summary>
    public double LossNats { get; private set; }

    public long Tokens { get; private set; }

    /// <summary>Operations of the last step, without what was recomputed.</summary>
    public double Flops { get; private set; }

    /// <summary>Time that went into making batches, in stopwatch ticks.</summary>
    public long DataTicks { get; private set; }

    /// <summary>Replaces the parameters' gradients by those of a step.</summary>
    /// <returns>False when a stop cut the step short: its gradients are worth nothing then.</returns>
    public bool Compute(long dataStep)
    {
        Tokens = batches.PredictedTokens(dataStep);
        (LossNats, Flops, DataTicks) = (0, 0, 0);
        if (Tokens == 0)
            return true;
        trained.ClearGradients();
        double sum = 0;
        for (int micro = 0; micro < batches.BatchesPerStep; micro++)
        {
            if (stop.IsStopRequested)
                return false;
            sum += Add(dataStep, micro);
        }

        LossNats = sum / Tokens;
        return true;
    }

    private double Add(long dataStep, int micro)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        Batch batch = batches.At(dataStep, micro);
        DataTicks += System.Diagnostics.Stopwatch.GetTimestamp() - start;
        if (batch.PredictedTokens == 0)
            return 0;
        tape.BeginTraining(recompute, seed, dataStep);
        ModelInputs inputs = ModelInputs.Upload(
            tape, batch.TokenIds, batch.Positions, batch.Segments, batch.Targets, batch.RowKeys);
        model.Losses(tape, inputs, 1f / Tokens, losses.For(batch.TokenCount));
        tape.Backward();
        Flops += tape.ProductFlops + FlopCount.Attention(model.Config, batch.Segments);
        return losses.Sum(batch.TokenCount);
    }
}
