namespace FastCpt.Engine.Benchmarks;

/// <summary>One case of a comparison, and its times so far.</summary>
internal sealed class BenchTrial(BenchCase benchCase, BenchPeer origin, BenchPeer head, BenchSettings settings)
{
    private const double PartSeconds = 0.01, ByChance = 0.01;
    private const int Parts = 5, MostCalls = 20_000;

    private readonly List<double> _ofBase = [], _ofHead = [];
    private readonly double _threshold = benchCase.IsStep ? settings.StepSlowdown : settings.KernelSlowdown;
    private BenchCounters? _counted, _counts;
    private int _calls, _parts;

    public BenchCase Case => benchCase;

    /// <summary>Whether new processes are worth asking: the ratio is beyond the threshold.</summary>
    public bool LooksOther => _ofBase.Count > 0 && Times is var times && Math.Abs(times.Ratio - 1) > _threshold
        && Shows(times);

    private PairedTimes Times => new([.. _ofBase], [.. _ofHead]);

    private bool DoesOtherWork => _counted != _counts && !settings.AcceptsCounters;

    /// <summary>Adds what a pair of processes, in which no case is open, takes: medians of a few pairs of times.
    /// </summary>
    /// <param name="headFirst">Who makes its operands first.</param>
    public void AddPoint(int pairs, bool headFirst)
    {
        if (DoesOtherWork)
            return;
        BenchCounters first = (headFirst ? head : origin).Open(benchCase.Name);
        BenchCounters second = (headFirst ? origin : head).Open(benchCase.Name);
        try
        {
            (_counted, _counts) = headFirst ? (second, first) : (first, second);
            if (DoesOtherWork)
                return;
            if (_calls == 0)
                ChooseCalls();
            PairedTimes times = Take(pairs);
            _ofBase.Add(times.BaseMedian);
            _ofHead.Add(times.HeadMedian);
        }
        finally
        {
            origin.Close();
            head.Close();
        }
    }

    public void Forget()
    {
        _ofBase.Clear();
        _ofHead.Clear();
    }

    /// <param name="isDecided">Whether the times are those that decide, not a first look.</param>
    public BenchResult Result(bool isDecided)
    {
        if (DoesOtherWork)
            return new BenchResult(benchCase.Name, BenchVerdict.CountersChanged, null, _counted, _counts);
        PairedTimes times = Times;
        return new BenchResult(
            benchCase.Name, isDecided ? Judge(times) : BenchVerdict.Same, times, _counted, _counts);
    }

    private void ChooseCalls()
    {
        double seconds = Math.Max(Math.Max(origin.Time(1), head.Time(1)), 1e-9);
        _calls = (int)Math.Clamp(PartSeconds / seconds, 1, MostCalls);
        _parts = (int)Math.Clamp(Parts * PartSeconds / (_calls * seconds), 1, Parts);
    }

    /// <summary>Pairs in the order A B B A: whoever is first in one is second in the next.</summary>
    private PairedTimes Take(int pairs)
    {
        double[] ofBase = new double[pairs], ofHead = new double[pairs];
        Array.Fill(ofBase, double.MaxValue);
        Array.Fill(ofHead, double.MaxValue);
        for (int pair = 0; pair < pairs; pair++)
            for (int part = 0; part < _parts; part++)
            {
                bool headFirst = (pair + part) % 2 == 1;
                double first = (headFirst ? head : origin).Time(_calls);
                double second = (headFirst ? origin : head).Time(_calls);
                ofBase[pair] = Math.Min(ofBase[pair], headFirst ? second : first);
                ofHead[pair] = Math.Min(ofHead[pair], headFirst ? first : second);
            }

        return new PairedTimes(ofBase, ofHead);
    }

    private BenchVerdict Judge(PairedTimes times)
    {
        (double low, double high) = times.Interval();
        bool shows = Shows(times);
        PairedTimes reversed = new(times.Head, times.Base);
        if (low > 1 + _threshold && shows && times.SlowerByChance() < ByChance)
            return times.HasSeveralPeaks ? BenchVerdict.Inconclusive : BenchVerdict.Slower;
        if (high < 1 - _threshold && shows && reversed.SlowerByChance() < ByChance)
            return times.HasSeveralPeaks ? BenchVerdict.Inconclusive : BenchVerdict.Faster;
        return BenchVerdict.Same;
    }

    private bool Shows(PairedTimes times) => Math.Abs(times.HeadMedian - times.BaseMedian) > settings.LeastSeconds;
}
