namespace FastCpt.Kernels.Cpu;

/// <summary>Which of a row of items of unequal cost a worker does: a run of them, of about equal total cost.</summary>
/// <remarks>All workers walk the items in the same order; the rule knows costs and the number of workers.</remarks>
internal struct CostShare(long total, int worker, int workers)
{
    private long _before;

    /// <summary>Whether the next item, of a cost, is this worker's: by where its middle falls.</summary>
    public bool Takes(long cost)
    {
        Int128 middle = 2 * (Int128)_before + cost;
        _before += cost;
        return middle * workers / (2 * (Int128)Math.Max(total, 1)) == worker;
    }
}
