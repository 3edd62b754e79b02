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
/// Where a process has its memory and its threads makes small ops a quarter slower or faster for as long as it
/// lives, however often they are timed, so that a point is a pair of processes; who starts first alternates. A
/// first look of a few pairs, each of which times every case, only asks whether a ratio is beyond the threshold.
/// Then new processes decide, at least <see cref="LeastProcesses"/>: a case is slower where the interval of the
/// ratio lies wholly above the threshold, ranks say so too, and the difference is above a floor. Each time is the
/// best of a few parts, between which the other program runs, because two threads may sit on one core for a while.
/// Times of another day are never compared with.
/// </remarks>
public sealed class BenchComparison(BenchPeer origin, BenchPeer head, BenchSettings settings, StopSignal stop)
{
    private const int PairsOfAProcess = 3;

    // Ranks of four against four are by chance in 0.015 at the least, and could never decide.
    private const int LeastProcesses = 10;

    /// <param name="filters">How names begin; none for all cases.</param>
    /// <param name="note">Is told each result.</param>
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
        BenchTrial[] trials =
        [
            .. all.Where(one => baseCases.Contains(one) && headCases.Contains(one))
                .Select(one => new BenchTrial(one, origin, head, settings)),
        ];
        Take(trials, settings.Pairs / PairsOfAProcess, isFirst: true);
        BenchTrial[] doubtful = [.. trials.Where(trial => trial.LooksOther)];
        foreach (BenchTrial trial in doubtful)
            trial.Forget();
        Take(doubtful, Math.Max(LeastProcesses, 2 * settings.Pairs / PairsOfAProcess), isFirst: false);
        BenchResult[] results =
        [
            .. all.Select(one => trials.FirstOrDefault(trial => trial.Case == one) is { } trial
                ? trial.Result(isDecided: doubtful.Contains(trial))
                : new BenchResult(one.Name, BenchVerdict.Unpaired, null, null, null)),
        ];
        Array.ForEach(results, note);
        return new BenchReport(ofBase, baseCommit, headCommit, results);
    }

    private static bool Matches(BenchCase one, IReadOnlyList<string> filters) =>
        filters.Count == 0 || filters.Any(start => one.Name.StartsWith(start, StringComparison.OrdinalIgnoreCase));

    /// <summary>Adds a point of each pair of processes to every trial.</summary>
    /// <param name="isFirst">Whether the processes that run are the first pair.</param>
    private void Take(BenchTrial[] trials, int processes, bool isFirst)
    {
        for (int process = 0; process < processes && trials.Length > 0; process++)
        {
            bool headFirst = process % 2 == 1;
            if (process > 0 || !isFirst)
                Restart(headFirst);
            foreach (BenchTrial trial in trials)
            {
                stop.ThrowIfStopRequested("bench compare");
                trial.AddPoint(PairsOfAProcess, headFirst);
            }
        }
    }

    /// <summary>Goes on in new processes.</summary>
    private void Restart(bool headFirst)
    {
        (headFirst ? head : origin).Restart();
        (headFirst ? origin : head).Restart();
    }
}
