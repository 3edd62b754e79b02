namespace FastCpt.Engine.Training;

/// <summary>Stops when the evaluation loss has not fallen clearly for some evaluations in a row.</summary>
/// <remarks>
/// The best loss moves on any improvement, however small; the count starts again only when the improvement exceeds the
/// threshold, which is absolute, in nats. These are the semantics of the trainer that the family study used.
/// </remarks>
/// <param name="patience">Evaluations in a row; 0 never stops.</param>
/// <param name="threshold">Nats.</param>
public sealed class EarlyStopping(int patience, double threshold)
{
    /// <summary>Lowest loss so far; infinite before the first evaluation.</summary>
    public double Best { get; private set; } = double.PositiveInfinity;

    /// <summary>Evaluations in a row without a clear improvement.</summary>
    public int Misses { get; private set; }

    public bool ShouldStop => patience > 0 && Misses >= patience;

    /// <returns>Whether this is the lowest loss so far.</returns>
    public bool Observe(double lossNats)
    {
        bool best = lossNats < Best;
        Misses = best && Best - lossNats > threshold ? 0 : Misses + 1;
        if (best)
            Best = lossNats;
        return best;
    }

    /// <summary>Goes on from a checkpoint.</summary>
    public void Restore(double best, int misses) => (Best, Misses) = (best, misses);
}
