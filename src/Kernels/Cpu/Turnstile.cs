namespace FastCpt.Kernels.Cpu;

/// <summary>A count that threads wait for: first spinning, then yielding, then asleep.</summary>
internal sealed class Turnstile
{
    private const int Spins = 4_000, Yields = 20;

    private readonly object _gate = new();
    private long _count;
    private int _sleepers;

    /// <summary>Sets the count and lets pass who waits for it.</summary>
    public void Open(long count)
    {
        Interlocked.Exchange(ref _count, count);
        WakeSleepers();
    }

    /// <summary>Adds to the count and lets pass who waits for it.</summary>
    public void Add(long amount)
    {
        Interlocked.Add(ref _count, amount);
        WakeSleepers();
    }

    /// <summary>Sets the count back to 0; nobody may be waiting.</summary>
    public void Reset() => Interlocked.Exchange(ref _count, 0);

    /// <summary>Returns once the count has been reached.</summary>
    public void WaitFor(long count)
    {
        for (int spin = 0; spin < Spins; spin++)
        {
            if (Volatile.Read(ref _count) >= count)
                return;
            Thread.SpinWait(1);
        }

        for (int yield = 0; yield < Yields; yield++)
        {
            if (Volatile.Read(ref _count) >= count)
                return;
            Thread.Yield();
        }

        lock (_gate)
        {
            Interlocked.Increment(ref _sleepers);
            while (Volatile.Read(ref _count) < count)
                Monitor.Wait(_gate);
            Interlocked.Decrement(ref _sleepers);
        }
    }

    /// <remarks>The count is written before the sleepers are read, and a sleeper counts itself before it reads the
    /// count, both with full fences: one of the two sees the other.</remarks>
    private void WakeSleepers()
    {
        if (Volatile.Read(ref _sleepers) == 0)
            return;
        lock (_gate)
            Monitor.PulseAll(_gate);
    }
}
