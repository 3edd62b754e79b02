using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

public sealed class WorkSharesTests
{
    [Test]
    public void Worker_TakesHalvesOfItsOwn_ThenOfTheOthersFromTheirEnd()
    {
        WorkShares shares = new(2);
        shares.SetAll(count: 20);
        Assert.That(Taken(shares, worker: 0), Is.EqualTo(new (long, long)[]
        {
            (0, 5), (5, 8), (8, 9), (9, 10), (15, 20), (12, 15), (11, 12), (10, 11),
        }));
        Assert.That(Taken(shares, worker: 1), Is.Empty);
    }

    [Test]
    public void Pieces_AreNotSmallerThanWhatIsWorthTaking()
    {
        WorkShares shares = new(2);
        shares.SetAll(count: 20);
        Assert.That(
            Taken(shares, worker: 1, least: 4),
            Is.EqualTo(new (long, long)[] { (10, 15), (15, 19), (19, 20), (5, 10), (1, 5), (0, 1) }));
    }

    [Test]
    public void OneWorker_TakesAllAtOnce()
    {
        WorkShares shares = new(1);
        shares.SetAll(count: 20);
        Assert.That(Taken(shares, worker: 0), Is.EqualTo(new (long, long)[] { (0, 20) }));
    }

    [Test]
    public void MoreUnitsThanAShareHolds_AreRefused() =>
        Assert.That(() => new WorkShares(1).SetAll(1L << 33), Throws.InstanceOf<OverflowException>());

    /// <summary>Few units, so that threads meet at most of what they take.</summary>
    [Test]
    public void EveryUnit_IsTakenOnce_ByManyThreads()
    {
        const int Workers = 4, Units = 48, Rounds = 3000;
        WorkShares shares = new(Workers);
        int[] taken = new int[Units];
        int wrong = 0;
        using Barrier barrier = new(Workers, _ =>
        {
            wrong += taken.Any(times => times != 1) ? 1 : 0;
            Array.Clear(taken);
            shares.SetAll(Units);
        });
        shares.SetAll(Units);
        Thread[] threads = [.. Enumerable.Range(0, Workers).Select(worker => new Thread(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                while (shares.Take(worker, 1, out long start, out long end))
                    for (long unit = start; unit < end; unit++)
                        Interlocked.Increment(ref taken[unit]);
                barrier.SignalAndWait();
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.That(wrong, Is.Zero);
    }

    private static (long Start, long End)[] Taken(WorkShares shares, int worker, long least = 1)
    {
        List<(long, long)> taken = [];
        while (shares.Take(worker, least, out long start, out long end))
            taken.Add((start, end));
        return [.. taken];
    }
}
