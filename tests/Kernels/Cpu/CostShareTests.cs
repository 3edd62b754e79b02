using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

public sealed class CostShareTests
{
    [Test]
    public void Shares_TakeEveryItemOnce_InRunsOfAboutEqualCost([Values(1, 2, 3, 8)] int workers)
    {
        Random random = new(1);
        long[] costs = [.. Enumerable.Range(0, 500).Select(_ => (long)random.Next(1, 100))];
        long total = costs.Sum();
        int[] owners = new int[costs.Length];
        long[] shares = new long[workers];
        int[] takers = new int[costs.Length];
        for (int worker = 0; worker < workers; worker++)
        {
            CostShare share = new(total, worker, workers);
            for (int item = 0; item < costs.Length; item++)
                if (share.Takes(costs[item]))
                {
                    owners[item] = worker;
                    takers[item]++;
                    shares[worker] += costs[item];
                }
        }

        Assert.That(takers, Is.All.EqualTo(1));
        Assert.That(owners, Is.Ordered);
        Assert.That(shares, Is.All.EqualTo(total / workers).Within(100));
    }

    [Test]
    public void Shares_OfFewItems_UseDifferentWorkers()
    {
        int[] taken = new int[4];
        for (int worker = 0; worker < 4; worker++)
        {
            CostShare share = new(4 * 7, worker, 4);
            for (int item = 0; item < 4; item++)
                taken[worker] += share.Takes(7) ? 1 : 0;
        }

        Assert.That(taken, Is.All.EqualTo(1));
    }
}
