using System.Globalization;
using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What the study of 2025 found, held against our numbers. lora-sharing.md 6.</summary>
/// <param name="Holds">Null where the difference is not above the spread of MONO's seeds.</param>
public sealed record AdapterStudyFinding(string Statement, bool? Holds)
{
    private const double SmallRankEffect = 0.01;

    public static IReadOnlyList<AdapterStudyFinding> Of(AdapterStudyResults results) =>
    [
        .. Ranking(results), .. Forgetting(results), .. RankEffect(results), .. Scripts(results),
        .. Position(results),
    ];

    /// <summary>MULTI above NON-SHARED above VANILLA above SHARED.</summary>
    private static IEnumerable<AdapterStudyFinding> Ranking(AdapterStudyResults results)
    {
        double? previous = results.Multis.Count == 0 ? null : results.Multis.Average(multi => multi.Average);
        SharingStrategy above = SharingStrategy.Multi;
        foreach (SharingStrategy strategy in (SharingStrategy[])
            [SharingStrategy.NonShared, SharingStrategy.Vanilla, SharingStrategy.Shared])
        {
            double? average = Mean(results, strategy, metrics => metrics.FinalAverage);
            if (previous is { } higher && average is { } lower)
                yield return Above(
                    results, $"{StrategyTitle.Of(above)} ends higher than {StrategyTitle.Of(strategy)}: final average "
                    + $"F1 {Percent(higher)} and {Percent(lower)}", higher - lower);
            if (average is not null)
                (previous, above) = (average, strategy);
        }
    }

    private static IEnumerable<AdapterStudyFinding> Forgetting(AdapterStudyResults results)
    {
        double? shared = Mean(results, SharingStrategy.Shared, metrics => metrics.Cbt);
        double? vanilla = Mean(results, SharingStrategy.Vanilla, metrics => metrics.Cbt);
        double? own = Mean(results, SharingStrategy.NonShared, metrics => metrics.Cbt);
        if (shared is { } lost)
            yield return Above(
                results, $"SHARED forgets: F1 of earlier languages changes by {Percent(lost)} points (CBT)", -lost);
        if (shared is { } most && vanilla is { } less)
            yield return Above(
                results, $"SHARED forgets more than VANILLA: CBT {Percent(most)} and {Percent(less)}", less - most);
        if (own is { } kept)
            yield return new AdapterStudyFinding(
                $"NON-SHARED forgets nothing: CBT {Percent(kept)}.", kept == 0);
    }

    /// <summary>Ranks change less than a point; more than that, within the spread of seeds, says nothing.</summary>
    private static IEnumerable<AdapterStudyFinding> RankEffect(AdapterStudyResults results)
    {
        foreach (SharingStrategy strategy in (SharingStrategy[])[SharingStrategy.NonShared, SharingStrategy.Shared])
        {
            int[] ranks = [.. results.Sequences.Where(one => one.Strategy == strategy)
                .Select(one => one.Rank).OfType<int>().Distinct().Order()];
            if (ranks.Length < 2
                || Mean(results, strategy, metrics => metrics.FinalAverage, ranks[0]) is not { } least
                || Mean(results, strategy, metrics => metrics.FinalAverage, ranks[^1]) is not { } most)
                continue;
            yield return new AdapterStudyFinding(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The rank matters little to {StrategyTitle.Of(strategy)}: final average F1 {100 * least:F2} at "
                    + $"rank {ranks[0]}, {100 * most:F2} at rank {ranks[^1]}; less than a point counts as little."),
                Math.Abs(most - least) < SmallRankEffect ? true
                    : Math.Abs(most - least) <= results.Spread ? null : false);
        }
    }

    private static IEnumerable<AdapterStudyFinding> Scripts(AdapterStudyResults results)
    {
        if (results.Locales.All(locale => locale.IsLatin) || !results.Locales.Any(locale => locale.IsLatin))
            yield break;
        foreach (SharingStrategy strategy in (SharingStrategy[])[SharingStrategy.Vanilla, SharingStrategy.Shared])
        {
            TransferMatrix[] orders =
                [.. results.Sequences.Where(one => one.Strategy == strategy).Select(one => one.Matrix)];
            if (orders.Length == 0)
                continue;
            var backward = LocaleAverages.Of(orders, (r, at) => new MultiHop(r).Backward(HopView.Receiver, at));
            var forward = LocaleAverages.Of(orders, (r, at) => new MultiHop(r).Forward(HopView.Receiver, at));
            if (Group(results, backward, latin: true) is { } latin
                && Group(results, backward, latin: false) is { } other)
                yield return Above(
                    results, $"{StrategyTitle.Of(strategy)}: languages in other scripts forget more than those in "
                    + $"Latin script: MBT (receiver) {Percent(other)} and {Percent(latin)}", latin - other);
            if (Group(results, forward, latin: true) is { } given && Group(results, forward, latin: false) is { } got)
                yield return Above(
                    results, $"{StrategyTitle.Of(strategy)}: transfer reaches languages in Latin script more than "
                    + $"others: MFT (receiver) {Percent(given)} and {Percent(got)}", given - got);
        }
    }

    /// <summary>What destructive languages do depends on their place in the order.</summary>
    private static IEnumerable<AdapterStudyFinding> Position(AdapterStudyResults results)
    {
        foreach (SharingStrategy strategy in (SharingStrategy[])[SharingStrategy.Vanilla, SharingStrategy.Shared])
            if (Mean(results, strategy, metrics => metrics.FinalAverage, order: "destructive_first") is { } first
                && Mean(results, strategy, metrics => metrics.FinalAverage, order: "destructive_last") is { } last)
                yield return Above(
                    results, $"{StrategyTitle.Of(strategy)}: the place of destructive languages matters: final average "
                    + $"F1 {Percent(first)} where they come first, {Percent(last)} where they come last",
                    Math.Abs(first - last));
    }

    private static double? Group(
        AdapterStudyResults results, IReadOnlyDictionary<string, double?> values, bool latin) =>
        LocaleAverages.MeanOfDefined(results.Locales.Where(locale => locale.IsLatin == latin)
            .Select(locale => values.GetValueOrDefault(locale.Code)));

    private static double? Mean(
        AdapterStudyResults results, SharingStrategy strategy, Func<ContinualMetrics, double?> measure,
        int? rank = null, string? order = null) => LocaleAverages.MeanOfDefined(results.Sequences
            .Where(one => one.Strategy == strategy && (rank is null || one.Rank == rank)
                && (order is null || one.Order == order))
            .Select(one => measure(new ContinualMetrics(one.Matrix))));

    /// <summary>A statement that a difference is above 0, judged by the spread of MONO where that is known.</summary>
    private static AdapterStudyFinding Above(AdapterStudyResults results, string statement, double difference)
    {
        if (results.Spread is not { } spread)
            return new AdapterStudyFinding($"{statement}; no spread of seeds is known.", difference > 0);
        string seen = $"{statement}; the spread of MONO's seeds is {Percent(spread)}.";
        return new AdapterStudyFinding(seen, Math.Abs(difference) <= spread ? null : difference > 0);
    }

    private static string Percent(double value) => (100 * value).ToString("F2", CultureInfo.InvariantCulture);
}
