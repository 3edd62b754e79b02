namespace FastCpt.Engine.Data;

/// <summary>The training batches of a run: a pure function of step and micro-batch, so resuming seeks.</summary>
/// <param name="rowsPerBatch">Rows in a micro-batch, B.</param>
/// <param name="batchesPerStep">Micro-batches whose gradients an optimizer step adds up.</param>
/// <param name="mask">Hides tokens of rows of sentences; null where rows predict their next tokens.</param>
public sealed class BatchSource(Mixture mixture, int rowsPerBatch, int batchesPerStep, TokenMask? mask = null)
{
    private readonly Batch _batch = new(checked(rowsPerBatch * mixture.RowTokens));

    public int BatchesPerStep => batchesPerStep;

    /// <summary>A micro-batch of a step, both from 0; the same object each time, filled again.</summary>
    public Batch At(long step, int microBatch)
    {
        long first = FirstRow(step, microBatch);
        _batch.Clear();
        for (int i = 0; i < rowsPerBatch; i++)
            mixture.Append(first + i, _batch);
        mask?.Hide(_batch, step);
        return _batch;
    }

    /// <summary>Tokens that all micro-batches of a step predict; without reading any, unless a mask hides them.
    /// </summary>
    public long PredictedTokens(long step)
    {
        long first = FirstRow(step, 0), tokens = 0;
        for (int micro = 0; mask is not null && micro < batchesPerStep; micro++)
            tokens += At(step, micro).PredictedTokens;
        if (mask is not null)
            return tokens;
        for (long i = 0; i < (long)batchesPerStep * rowsPerBatch; i++)
            tokens += mixture.PredictedTokens(first + i);
        return tokens;
    }

    /// <summary>The fewest steps from the first on that predict so many tokens.</summary>
    public long StepsFor(long tokens)
    {
        long steps = 0;
        while (tokens > 0)
            tokens -= PredictedTokens(steps++);
        return steps;
    }

    private long FirstRow(long step, int microBatch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfNegative(microBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(microBatch, batchesPerStep);
        return checked(((step * batchesPerStep) + microBatch) * rowsPerBatch);
    }
}
