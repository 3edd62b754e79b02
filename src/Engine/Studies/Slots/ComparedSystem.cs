using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>The runs of a system that can be compared with those of others: all of the same languages.</summary>
/// <param name="Rank">Null where whole models are trained.</param>
/// <param name="Runs">Over orders and seeds.</param>
internal sealed record ComparedSystem(SharingStrategy Strategy, int? Rank, IReadOnlyList<SequenceResult> Runs)
{
    public string Title => StrategyTitle.Of(Strategy, Rank);

    /// <summary>The systems of a study, over the orders that have the most languages; shorter ones are left out.
    /// </summary>
    public static IEnumerable<ComparedSystem> Of(AdapterStudyResults results)
    {
        string[] languages =
            [.. results.Sequences.Select(run => run.Matrix.Locales).MaxBy(locales => locales.Count) ?? []];
        return results.Sequences.Where(run => run.Matrix.Locales.ToHashSet().SetEquals(languages))
            .GroupBy(run => (run.Strategy, run.Rank))
            .Select(group => new ComparedSystem(group.Key.Strategy, group.Key.Rank, [.. group]));
    }

    /// <summary>This system and another, each over the orders and seeds that both have; null where there are none.
    /// </summary>
    public (ComparedSystem One, ComparedSystem Other)? With(ComparedSystem other)
    {
        ComparedSystem one = Like(other), two = other.Like(this);
        return one.Runs.Count > 0 && two.Runs.Count > 0 ? (one, two) : null;
    }

    /// <summary>The mean over runs of a measure; undefined where it is in a run.</summary>
    public double? Mean(Func<ContinualMetrics, double?> measure) =>
        TransferMatrix.Mean(Runs.Select(run => measure(new ContinualMetrics(run.Matrix))));

    /// <summary>A measure by language, the mean over runs in which it is defined.</summary>
    public IReadOnlyDictionary<string, double?> ByLanguage(Func<MultiHop, int, double?> measure) =>
        LocaleAverages.Of([.. Runs.Select(run => run.Matrix)], (r, position) => measure(new MultiHop(r), position));

    /// <summary>The mean over some languages and all runs of R[T, j] − R[j, j].</summary>
    public double? Change(IReadOnlyCollection<string> languages) => TransferMatrix.Mean(
        from run in Runs
        from position in Enumerable.Range(1, run.Matrix.Count)
        where languages.Contains(run.Matrix.Locales[position - 1])
        select run.Matrix[run.Matrix.Count, position] - run.Matrix.Diagonal(position));

    /// <summary>The runs in one order whose seeds have a run in another one, too.</summary>
    public ComparedSystem In(string order, string alsoIn) => this with
    {
        Runs = [.. Runs.Where(run => run.Order == order
            && Runs.Any(other => other.Order == alsoIn && other.Seed == run.Seed))],
    };

    private ComparedSystem Like(ComparedSystem other) => this with
    {
        Runs = [.. Runs.Where(run => other.Runs.Any(one => one.Order == run.Order && one.Seed == run.Seed))],
    };
}
