using FastCpt.Engine.Files;

namespace FastCpt.Engine.Benchmarks;

/// <summary>How a comparison is made.</summary>
/// <param name="Pairs">Of a first look, three a pair of processes; twice as many, of new processes, confirm.</param>
/// <param name="KernelSlowdown">Share above which an op is slower.</param>
/// <param name="StepSlowdown">Share above which a training step is slower.</param>
/// <param name="LeastSeconds">Differences below this are none: each time is a mean over milliseconds of calls, so that
/// only what a clock and a loop may cost is below it.</param>
/// <param name="AcceptsCounters">Whether a case whose counts changed is timed all the same.</param>
public sealed record BenchSettings(
    int Pairs = 15, double KernelSlowdown = 0.03, double StepSlowdown = 0.05, double LeastSeconds = 5e-7,
    bool AcceptsCounters = false)
{
    /// <summary>Fewer make a first look of less than three pairs of processes.</summary>
    public const int LeastPairs = 9;
}

/// <summary>Says whether a program became slower: counters first, then times of both taken in turn.</summary>
/// <remarks>
/// Where a process has its memory and its threads makes small ops a quarter slower or faster for as long as it lives,
/// however often they are timed, so that a point is a pair of processes. A first look of a few only asks whether the
/// ratio is beyond the threshold. Then new processes decide, at least <see cref="LeastProcesses"/>: a case is slower
/// where the interval of the ratio lies wholly above the threshold, ranks say so too, and the difference is above a
/// floor. Each time is the best of a few parts, between which the other program runs, because two threads may sit on
/// one core for a while. Times of another day are never compared with.
/// </remarks>
public sealed class BenchComparison(BenchPeer origin, BenchPeer head, BenchSettings settings, StopSignal stop)
{
    private const double PartSeconds = 0.01, ByChance = 0.01;
    private const int Parts = 5, MostCalls = 20_000, PairsOfAProcess = 3;

    // Ranks of four against four are by chance in 0.015 at the least, and could never decide.
    private const int LeastProcesses = 10;

    /// <param name="filters">How names begin; none for all cases.</param>
    /// <param name="note">Is told each result as it comes.</param>
    /// <exception cref="RunException">Exit 3: the two do not run alike, or no case begins so.</exception>
    public BenchReport Run(IReadOnlyList<string> filters, Action<BenchResult> note)
    {
        (BenchMachine ofBase, string baseCommit, IReadOnlyList<BenchCase> baseCases) = origin.List();
        (BenchMachine ofHead, string headCommit, IReadOnlyList<BenchCase> headCases) = head.List();
        if (ofBase != ofHead)
            throw new RunException(
                ExitCode.Config,
                $"{origin.Name} runs on {ofBase}, {head.Name} on {ofHead}. Their times cannot be compared.");
        BenchCase[] all = [.. baseCases.UnionBy(headCases, one => one.Name).Where(one => Matches(one, filters))];
        if (all.Length == 0)
            throw new RunException(
                ExitCode.Config, $"no case of {head.Name} begins with '{string.Join("' or '", filters)}'.");
        var results = new List<BenchResult>();
        foreach (BenchCase one in all)
        {
            stop.ThrowIfStopRequested("bench compare");
            bool paired = baseCases.Contains(one) && headCases.Contains(one);
            results.Add(paired ? Compare(one) : new BenchResult(one.Name, BenchVerdict.Unpaired, null, null, null));
            note(results[^1]);
        }

        return new BenchReport(ofBase, baseCommit, headCommit, results);
    }

    private static bool Matches(BenchCase one, IReadOnlyList<string> filters) =>
        filters.Count == 0 || filters.Any(start => one.Name.StartsWith(start, StringComparison.OrdinalIgnoreCase));

    private BenchResult Compare(BenchCase one)
    {
        BenchCounters counted = origin.Open(one.Name), counts = head.Open(one.Name);
        try
        {
            if (counted != counts && !settings.AcceptsCounters)
                return new BenchResult(one.Name, BenchVerdict.CountersChanged, null, counted, counts);
            double seconds = Math.Max(Math.Max(origin.Time(1), head.Time(1)), 1e-9);
            int calls = (int)Math.Clamp(PartSeconds / seconds, 1, MostCalls);
            int parts = (int)Math.Clamp(Parts * PartSeconds / (calls * seconds), 1, Parts);
            double threshold = one.IsStep ? settings.StepSlowdown : settings.KernelSlowdown;
            PairedTimes times = TakeOfProcesses(one.Name, settings.Pairs / PairsOfAProcess, parts, calls);
            BenchVerdict verdict = BenchVerdict.Same;
            if (Math.Abs(times.Ratio - 1) > threshold && Shows(times))
            {
                Reopen(one.Name);
                int processes = Math.Max(LeastProcesses, 2 * settings.Pairs / PairsOfAProcess);
                times = TakeOfProcesses(one.Name, processes, parts, calls);
                verdict = Judge(times, threshold);
            }

            return new BenchResult(one.Name, verdict, times, counted, counts);
        }
        finally
        {
            origin.Close();
            head.Close();
        }
    }

    /// <summary>A point is a pair of processes, the first of which are open: the medians of a few pairs of times.
    /// </summary>
    private PairedTimes TakeOfProcesses(string name, int processes, int parts, int calls)
    {
        double[] ofBase = new double[processes], ofHead = new double[processes];
        for (int process = 0; process < processes; process++)
        {
            if (process > 0)
                Reopen(name);
            PairedTimes times = Take(PairsOfAProcess, parts, calls);
            (ofBase[process], ofHead[process]) = (times.BaseMedian, times.HeadMedian);
        }

        return new PairedTimes(ofBase, ofHead);
    }

    /// <summary>Goes on in new processes.</summary>
    private void Reopen(string name)
    {
        stop.ThrowIfStopRequested("bench compare");
        origin.Restart();
        head.Restart();
        origin.Open(name);
        head.Open(name);
    }

    /// <summary>Pairs in the order A B B A: whoever is first in one is second in the next.</summary>
    private PairedTimes Take(int pairs, int parts, int calls)
    {
        double[] ofBase = new double[pairs], ofHead = new double[pairs];
        Array.Fill(ofBase, double.MaxValue);
        Array.Fill(ofHead, double.MaxValue);
        for (int pair = 0; pair < pairs; pair++)
            for (int part = 0; part < parts; part++)
            {
                bool headFirst = (pair + part) % 2 == 1;
                double first = (headFirst ? head : origin).Time(calls);
                double second = (headFirst ? origin : head).Time(calls);
                ofBase[pair] = Math.Min(ofBase[pair], headFirst ? second : first);
                ofHead[pair] = Math.Min(ofHead[pair], headFirst ? first : second);
            }

        return new PairedTimes(ofBase, ofHead);
    }

    private BenchVerdict Judge(PairedTimes times, double threshold)
    {
        (double low, double high) = times.Interval();
        bool shows = Shows(times);
        PairedTimes reversed = new(times.Head, times.Base);
        if (low > 1 + threshold && shows && times.SlowerByChance() < ByChance)
            return times.HasSeveralPeaks ? BenchVerdict.Inconclusive : BenchVerdict.Slower;
        if (high < 1 - threshold && shows && reversed.SlowerByChance() < ByChance)
            return times.HasSeveralPeaks ? BenchVerdict.Inconclusive : BenchVerdict.Faster;
        return BenchVerdict.Same;
    }

    private bool Shows(PairedTimes times) => Math.Abs(times.HeadMedian - times.BaseMedian) > settings.LeastSeconds;
}
