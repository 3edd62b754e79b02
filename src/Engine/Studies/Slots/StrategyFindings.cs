using System.Globalization;
using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;
using static FastCpt.Engine.Studies.Slots.AdapterStudyFinding;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Findings about strategies: which ends highest, which forgets, what the rank does.</summary>
internal static class StrategyFindings
{
    /// <summary>What the study calls a small effect of the rank.</summary>
    private const double SmallEffect = 0.01;

    /// <summary>The step of the proposed check, and where its "about −0.1" begins and ends here.</summary>
    private const int CheckedStep = 5;

    private const double CheckedCbt = -0.1, CheckedWithin = 0.05;

    public static IEnumerable<AdapterStudyFinding> Of(
        AdapterStudyResults results, IReadOnlyList<ComparedSystem> systems) =>
    [
        .. Ranking(results, systems), .. Forgetting(results, systems), .. RankEffect(results, systems),
        .. RunningCheck(systems),
    ];

    /// <summary>MULTI above NON-SHARED above VANILLA above SHARED, at each rank.</summary>
    private static IEnumerable<AdapterStudyFinding> Ranking(
        AdapterStudyResults results, IReadOnlyList<ComparedSystem> systems)
    {
        var seen = new HashSet<(string, string)>();
        foreach (int? rank in Ranks(systems))
        {
            ComparedSystem[] chain =
            [
                .. ((SharingStrategy[])[SharingStrategy.NonShared, SharingStrategy.Vanilla, SharingStrategy.Shared])
                    .Select(strategy => Find(systems, strategy, rank)).OfType<ComparedSystem>(),
            ];
            if (chain.Length > 0 && seen.Add(("MULTI", chain[0].Title))
                && BelowMulti(results, chain[0]) is { } first)
                yield return first;
            foreach (var (above, below) in chain.Zip(chain.Skip(1)))
                if (seen.Add((above.Title, below.Title)) && above.With(below) is var (one, other)
                    && one.Mean(Final) is { } higher && other.Mean(Final) is { } lower)
                    yield return Above(
                        $"{one.Title} ends higher than {other.Title}: final average F1 {Points(higher)} and "
                        + Points(lower), higher - lower, results.SpreadOver(Languages(one)));
        }
    }

    /// <summary>MULTI and a sequence over the same languages and seeds.</summary>
    private static AdapterStudyFinding? BelowMulti(AdapterStudyResults results, ComparedSystem system)
    {
        system = system with
        {
            Runs = [.. system.Runs.Where(run => results.Multis.Any(multi => multi.Seed == run.Seed))],
        };
        if (system.Runs.Count == 0 || system.Mean(Final) is not { } lower)
            return null;
        string[] languages = Languages(system);
        double higher = system.Runs.Average(run => languages.Average(
            locale => results.Multis.First(multi => multi.Seed == run.Seed).F1[locale]));
        return Above(
            $"MULTI ends higher than {system.Title}: average F1 {Points(higher)} and {Points(lower)}",
            higher - lower, results.SpreadOver(languages));
    }

    private static IEnumerable<AdapterStudyFinding> Forgetting(
        AdapterStudyResults results, IReadOnlyList<ComparedSystem> systems)
    {
        ComparedSystem? vanilla = Find(systems, SharingStrategy.Vanilla, null);
        foreach (ComparedSystem shared in systems.Where(system => system.Strategy == SharingStrategy.Shared))
        {
            double? spread = results.SpreadOver(Languages(shared));
            if (shared.Mean(Cbt) is { } lost)
                yield return Above(
                    $"{shared.Title} forgets: F1 of earlier languages changes by {Points(lost)} points (CBT)", -lost,
                    spread);
            if (vanilla is not null && shared.With(vanilla) is var (one, other)
                && one.Mean(Cbt) is { } most && other.Mean(Cbt) is { } less)
                yield return Above(
                    $"{one.Title} forgets more than VANILLA: CBT {Points(most)} and {Points(less)}", less - most,
                    spread);
        }

        foreach (ComparedSystem own in systems.Where(system => system.Strategy == SharingStrategy.NonShared))
            if (own.Mean(Cbt) is { } kept)
                yield return new AdapterStudyFinding(
                    $"{own.Title} forgets nothing: CBT {Points(kept)}.",
                    kept == 0 && own.ByLanguage(Receiver).Values.All(change => change is null or 0));
    }

    /// <summary>Ranks change less than a point.</summary>
    private static IEnumerable<AdapterStudyFinding> RankEffect(
        AdapterStudyResults results, IReadOnlyList<ComparedSystem> systems)
    {
        foreach (SharingStrategy strategy in (SharingStrategy[])[SharingStrategy.NonShared, SharingStrategy.Shared])
        {
            ComparedSystem[] byRank =
                [.. systems.Where(system => system.Strategy == strategy).OrderBy(system => system.Rank)];
            if (byRank.Length > 1 && byRank[0].With(byRank[^1]) is var (small, large)
                && small.Mean(Final) is { } least && large.Mean(Final) is { } most)
                yield return Below(
                    $"The rank matters less than a point to {StrategyTitle.Of(strategy)}: final average F1 "
                    + $"{Points(least)} at rank {small.Rank}, {Points(most)} at rank {large.Rank}",
                    most - least, SmallEffect, results.SpreadOver(Languages(small)));
        }
    }

    /// <summary>A check that was proposed with the study; the study itself has no such number.</summary>
    private static IEnumerable<AdapterStudyFinding> RunningCheck(IReadOnlyList<ComparedSystem> systems) =>
        from system in systems
        where system.Strategy == SharingStrategy.Shared && Languages(system).Length >= CheckedStep
        let cbt = system.Mean(metrics => metrics.CbtAt(CheckedStep))
        where cbt is not null
        select new AdapterStudyFinding(
            string.Create(
                CultureInfo.InvariantCulture,
                $"A check proposed with the study, at rank 64: {system.Title} has a running CBT of about ")
            + $"{Points(CheckedCbt)} at step {CheckedStep}: {Points(cbt.Value)}; within {Points(CheckedWithin)} counts "
            + "as about.",
            Math.Abs(cbt.Value - CheckedCbt) <= CheckedWithin);

    /// <summary>Those of adapters; one of none where only whole models are trained.</summary>
    private static IEnumerable<int?> Ranks(IReadOnlyList<ComparedSystem> systems) =>
        systems.Select(system => system.Rank).Where(rank => rank is not null).Distinct().Order().DefaultIfEmpty(null);

    /// <summary>The system of a strategy; of one without ranks whatever the rank.</summary>
    private static ComparedSystem? Find(
        IReadOnlyList<ComparedSystem> systems, SharingStrategy strategy, int? rank) => systems.FirstOrDefault(
            system => system.Strategy == strategy && (system.Rank is null || system.Rank == rank));

    private static string[] Languages(ComparedSystem system) => [.. system.Runs[0].Matrix.Locales];

    private static double? Final(ContinualMetrics metrics) => metrics.FinalAverage;

    private static double? Cbt(ContinualMetrics metrics) => metrics.Cbt;

    private static double? Receiver(MultiHop hops, int position) => hops.Backward(HopView.Receiver, position);
}
