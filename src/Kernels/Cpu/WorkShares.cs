namespace FastCpt.Kernels.Cpu;

/// <summary>Units of work that workers take while they run: each the first half of what is left of its own share, then
/// the last half of what is left of another's.</summary>
/// <remarks>
/// Cores are never equally fast for long: what one has not begun when another is done is shared again, in ever smaller
/// pieces. So nothing that a unit gives may depend on who does it, or with which other units.
/// </remarks>
internal sealed class WorkShares(int workers)
{
    /// <summary>Numbers from one share to the next: two cache lines, which processors fetch in pairs.</summary>
    private const int Apart = 16;

    private readonly long[] _shares = new long[(workers + 2) * Apart];

    /// <summary>Gives a worker units [start, end) for its share; nobody may be taking any.</summary>
    public void Set(int worker, long start, long end) =>
        Volatile.Write(ref ShareOf(worker), Share(checked((uint)start), checked((uint)end)));

    /// <summary>Gives each worker as many of units [0, count).</summary>
    public void SetAll(long count)
    {
        for (int worker = 0; worker < workers; worker++)
            Set(worker, count * worker / workers, count * (worker + 1) / workers);
    }

    /// <summary>Takes units [start, end) that nobody else takes; all of them where there is nobody else.</summary>
    /// <param name="least">Units that are worth taking, where there are as many.</param>
    /// <returns>Whether there were any left.</returns>
    public bool Take(int worker, long least, out long start, out long end)
    {
        least = workers == 1 ? long.MaxValue : least;
        for (int other = 0; other < workers; other++)
            if (TakeFrom(ref ShareOf((worker + other) % workers), isOwn: other == 0, least, out start, out end))
                return true;
        (start, end) = (0, 0);
        return false;
    }

    private static bool TakeFrom(ref long share, bool isOwn, long least, out long start, out long end)
    {
        while (true)
        {
            long seen = Volatile.Read(ref share);
            (start, end) = ((uint)seen, (uint)(seen >>> 32));
            if (start >= end)
                return false;
            long count = Math.Min(Math.Max((end - start + 1) / 2, least), end - start);
            long rest = isOwn ? Share(start + count, end) : Share(start, end - count);
            if (Interlocked.CompareExchange(ref share, rest, seen) != seen)
                continue;
            (start, end) = isOwn ? (start, start + count) : (end - count, end);
            return true;
        }
    }

    private static long Share(long start, long end) => start | end << 32;

    private ref long ShareOf(int worker) => ref _shares[(worker + 1) * Apart];
}
