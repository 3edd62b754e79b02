namespace FastCpt.Engine.Checkpoints;

/// <summary>Which checkpoints stay; the newest healthy one always does.</summary>
/// <param name="Newest">How many of the newest stay, at least 1.</param>
/// <param name="EverySteps">Steps divisible by it stay; 0 for none.</param>
/// <param name="Best">Whether the one with the least metric stays.</param>
public sealed record CheckpointRetention(int Newest = 3, long EverySteps = 0, bool Best = true)
{
    /// <summary>The checkpoints that stay, of a list with the newest first.</summary>
    public IReadOnlySet<long> Keep(IReadOnlyList<Checkpoint> newestFirst)
    {
        var keep = newestFirst.Take(Math.Max(1, Newest)).Select(c => c.Step).ToHashSet();
        if (EverySteps > 0)
            keep.UnionWith(newestFirst.Where(c => c.Step % EverySteps == 0).Select(c => c.Step));
        if (Best && newestFirst.Where(c => c.Facts.Metric is not null).MinBy(c => c.Facts.Metric) is { } best)
            keep.Add(best.Step);
        if (newestFirst.FirstOrDefault(c => c.Facts.IsHealthy) is { } healthy)
            keep.Add(healthy.Step);
        return keep;
    }
}
