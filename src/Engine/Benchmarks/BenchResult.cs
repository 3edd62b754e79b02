namespace FastCpt.Engine.Benchmarks;

/// <summary>What a comparison says of one case.</summary>
public enum BenchVerdict
{
    /// <summary>No slowdown was shown.</summary>
    Same,

    /// <summary>Head is faster, as surely as a slowdown would have to be.</summary>
    Faster,

    /// <summary>Head is slower, twice in turn.</summary>
    Slower,

    /// <summary>Head allocates, computes or moves another amount.</summary>
    CountersChanged,

    /// <summary>The times fall into several groups: the machine was not itself.</summary>
    Inconclusive,

    /// <summary>Only one of the programs has the case.</summary>
    Unpaired,
}

/// <summary>One row of a comparison.</summary>
/// <param name="Times">Null where none were taken.</param>
/// <param name="Base">Null where base lacks the case.</param>
/// <param name="Head">Null where head lacks the case.</param>
public sealed record BenchResult(
    string Name, BenchVerdict Verdict, PairedTimes? Times, BenchCounters? Base, BenchCounters? Head);
