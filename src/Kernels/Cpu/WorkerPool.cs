using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace FastCpt.Kernels.Cpu;

/// <summary>Work that the job itself shares: by the worker's number, or by <see cref="WorkerPool.Shares"/>.</summary>
internal interface IJob
{
    /// <summary>Does the part of one worker; runs on all workers at once.</summary>
    void Run(int worker, int workers);
}

/// <summary>Work on a range of rows, or of other units, that do not depend on one another.</summary>
internal interface IRangeJob
{
    /// <summary>Does units [start, end).</summary>
    void Run(long start, long end, int worker);
}

/// <summary>Threads of our own that run a job at once and wait for the next: first awake, then asleep.</summary>
/// <remarks>
/// The caller is worker 0. A job is a struct on the caller's stack that all workers see, so a call allocates nothing.
/// Jobs see to it that results depend neither on how many workers there are nor on which of them does what.
/// </remarks>
internal sealed unsafe class WorkerPool : IDisposable
{
    private readonly Thread[] _threads;
    private readonly ExceptionDispatchInfo?[] _failures;
    private readonly Turnstile _start = new(), _done = new(), _meet = new();
    private long _round, _met;
    private bool _running, _stopping;
    private volatile bool _failed;
    private void* _job;
    private delegate*<void*, int, int, void> _run;

    public WorkerPool(int workers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        Workers = workers;
        Shares = new WorkShares(workers);
        _failures = new ExceptionDispatchInfo?[workers];
        _threads = new Thread[workers - 1];
        for (int index = 0; index < _threads.Length; index++)
        {
            int worker = index + 1;
            _threads[index] = new Thread(() => Serve(worker)) { IsBackground = true, Name = $"fastcpt {worker}" };
            _threads[index].Start();
        }
    }

    public int Workers { get; }

    /// <summary>What the workers of a long job take from, where it sets them.</summary>
    public WorkShares Shares { get; }

    /// <summary>Most workers that one job had work for since this was set; tests hold that work is shared.</summary>
    public int WorkersUsed { get; set; }

    /// <summary>Runs a job on every worker and returns when all are done.</summary>
    /// <param name="shares">Workers that the job has work for; 0 for all.</param>
    /// <exception cref="InvalidOperationException">A job of this pool is running.</exception>
    public void Run<TJob>(TJob job, int shares = 0)
        where TJob : struct, IJob
    {
        if (_running || _stopping)
            throw new InvalidOperationException("A job starts a job, or the pool is disposed.");
        WorkersUsed = Math.Max(WorkersUsed, shares > 0 ? shares : Workers);
        if (Workers == 1)
        {
            job.Run(0, 1);
            return;
        }

        _running = true;
        _job = Unsafe.AsPointer(ref job);
        _run = &Invoke<TJob>;
        _round++;
        _start.Open(_round);
        Guarded(0);
        _done.WaitFor(_round * Workers);
        _running = false;
        if (_failed)
            Rethrow();
    }

    /// <summary>Splits units [0, count) into one contiguous share per worker.</summary>
    /// <remarks>Always the same: short passes find in a core's caches what the one before left there.</remarks>
    /// <param name="atLeast">Units that are worth a worker: fewer of them run on fewer workers.</param>
    public void RunRange<TJob>(TJob job, long count, long atLeast = 1)
        where TJob : struct, IRangeJob
    {
        if (count <= 0)
            return;
        int shares = (int)Math.Clamp(count / Math.Max(atLeast, 1), 1, Workers);
        if (shares == 1)
        {
            job.Run(0, count, 0);
            return;
        }

        Run(new RangeJob<TJob>(job, count, shares), shares);
    }

    /// <summary>Waits, inside a job, until every worker has come here.</summary>
    public void Meet()
    {
        if (Workers == 1)
            return;
        long arrival = Interlocked.Increment(ref _met);
        long full = (arrival + Workers - 1) / Workers * Workers;
        if (arrival == full)
            _meet.Open(full);
        else
            _meet.WaitFor(full);
        if (_failed)
            throw new OperationCanceledException("Another worker failed.");
    }

    public void Dispose()
    {
        if (_stopping)
            return;
        _stopping = true;
        _start.Open(long.MaxValue);
        foreach (Thread thread in _threads)
            thread.Join();
    }

    private static void Invoke<TJob>(void* job, int worker, int workers)
        where TJob : struct, IJob => Unsafe.AsRef<TJob>(job).Run(worker, workers);

    private void Serve(int worker)
    {
        for (long round = 1; ; round++)
        {
            _start.WaitFor(round);
            if (_stopping)
                return;
            Guarded(worker);
        }
    }

    private void Guarded(int worker)
    {
        try
        {
            _run(_job, worker, Workers);
        }
        catch (Exception failure)
        {
            _failures[worker] = ExceptionDispatchInfo.Capture(failure);
            _failed = true;
            _meet.Open(long.MaxValue);
        }

        _done.Add(1);
    }

    /// <summary>Throws the failure of the first worker that has one of its own.</summary>
    private void Rethrow()
    {
        ExceptionDispatchInfo? first = null;
        foreach (ExceptionDispatchInfo? failure in _failures)
            if (failure != null && (first == null || first.SourceException is OperationCanceledException))
                first = failure;
        Array.Clear(_failures);
        _failed = false;
        _met = 0;
        _meet.Reset();
        first!.Throw(); // _failed says that there is one
    }

    private struct RangeJob<TJob>(TJob job, long count, int shares) : IJob
        where TJob : struct, IRangeJob
    {
        private TJob _job = job;

        public void Run(int worker, int workers)
        {
            if (worker < shares)
                _job.Run(count * worker / shares, count * (worker + 1) / shares, worker);
        }
    }
}
