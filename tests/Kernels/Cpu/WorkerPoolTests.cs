using FastCpt.Kernels.Cpu;

namespace FastCpt.Tests.Kernels.Cpu;

public sealed unsafe class WorkerPoolTests
{
    [Test]
    public void Pool_RunsEveryWorkerOnce_RoundAfterRound([Values(1, 2, 5)] int workers)
    {
        using WorkerPool pool = new(workers);
        int[] runs = new int[workers];
        for (int round = 1; round <= 200; round++)
        {
            CountingJob job = new(runs);
            pool.Run(job);
            Assert.That(runs, Is.All.EqualTo(round));
        }
    }

    [Test]
    public void Pool_WakesWorkers_ThatFellAsleep()
    {
        using WorkerPool pool = new(3);
        int[] runs = new int[3];
        for (int round = 1; round <= 3; round++)
        {
            Thread.Sleep(30); // longer than the workers spin
            CountingJob job = new(runs);
            pool.Run(job);
        }

        Assert.That(runs, Is.All.EqualTo(3));
    }

    [Test]
    public void Range_IsSplit_WithoutGapOrOverlap([Values(1, 3)] int workers, [Values(0, 1, 2, 3, 100)] int count)
    {
        using WorkerPool pool = new(workers);
        int[] visits = new int[count];
        VisitingJob job = new(visits);
        pool.RunRange(job, count);
        Assert.That(visits, Is.All.EqualTo(1));
    }

    [Test]
    public void SmallRange_UsesFewerWorkers()
    {
        using WorkerPool pool = new(4);
        int[] shares = new int[4];
        ShareJob job = new(shares);
        pool.RunRange(job, count: 10, atLeast: 5);
        Assert.That(shares, Is.EqualTo(new[] { 5, 5, 0, 0 }));
    }

    [Test]
    public void Meet_HoldsEveryWorker_UntilAllHaveCome([Values(2, 5)] int workers)
    {
        using WorkerPool pool = new(workers);
        MeetingJob job = new(pool, new int[workers], new bool[1]);
        for (int round = 0; round < 20; round++)
            pool.Run(job);
        Assert.That(job.Early[0], Is.False);
    }

    [Test]
    public void Failure_OfOneWorker_ReachesTheCaller_AndThePoolGoesOn()
    {
        using WorkerPool pool = new(3);
        FailingJob failing = new(pool);
        InvalidDataException failure = Assert.Throws<InvalidDataException>(() => pool.Run(failing))!;
        Assert.That(failure.Message, Is.EqualTo("worker 2"));

        MeetingJob job = new(pool, new int[3], new bool[1]);
        pool.Run(job);
        Assert.That(job.Early[0], Is.False);
    }

    [Test]
    public void Job_WithinAJob_IsRefused()
    {
        using WorkerPool pool = new(2);
        NestedJob job = new(pool);
        Assert.Throws<InvalidOperationException>(() => pool.Run(job));
    }

    [Test]
    public void Calls_AllocateNothing()
    {
        using WorkerPool pool = new(2);
        VisitingJob job = new(new int[10]);
        pool.RunRange(job, 10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int call = 0; call < 100; call++)
            pool.RunRange(job, 10);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    private readonly struct CountingJob(int[] runs) : IJob
    {
        public void Run(int worker, int workers) => runs[worker]++;
    }

    private readonly struct VisitingJob(int[] visits) : IRangeJob
    {
        public void Run(long start, long end, int worker)
        {
            for (long unit = start; unit < end; unit++)
                visits[unit]++;
        }
    }

    private readonly struct ShareJob(int[] shares) : IRangeJob
    {
        public void Run(long start, long end, int worker) => shares[worker] = (int)(end - start);
    }

    /// <summary>Writes a stamp, meets, and looks whether every other worker has written its own.</summary>
    private readonly struct MeetingJob(WorkerPool pool, int[] stamps, bool[] early) : IJob
    {
        public bool[] Early => early;

        public void Run(int worker, int workers)
        {
            for (int stamp = 1; stamp <= 10; stamp++)
            {
                Volatile.Write(ref stamps[worker], stamp);
                pool.Meet();
                for (int other = 0; other < workers; other++)
                    if (Volatile.Read(ref stamps[other]) != stamp)
                        early[0] = true;
                pool.Meet();
            }
        }
    }

    private readonly struct FailingJob(WorkerPool pool) : IJob
    {
        public void Run(int worker, int workers)
        {
            if (worker == 2)
                throw new InvalidDataException("worker 2");
            pool.Meet();
        }
    }

    private readonly struct NestedJob(WorkerPool pool) : IJob
    {
        public void Run(int worker, int workers)
        {
            pool.Run(new CountingJob(new int[workers]));
        }
    }
}
