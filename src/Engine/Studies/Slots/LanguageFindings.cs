using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using static FastCpt.Engine.Studies.Slots.AdapterStudyFinding;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Findings about languages, where weights are shared: who forgets, who harms, and when.</summary>
internal static class LanguageFindings
{
    /// <summary>Of which the study says that others lose when they are learned.</summary>
    private static readonly string[] Harmful = ["zh-CN", "ja-JP"];

    /// <summary>Earlier languages from which what a language costs them is a mean.</summary>
    private const int FewestEarlier = 2;

    /// <summary>Of which the study says that they lose: two in spite of much text, and German as an example.</summary>
    private static readonly string[] Losing = ["zh-CN", "hi-IN", "de-DE"];

    public static IEnumerable<AdapterStudyFinding> Of(
        AdapterStudyResults results, IReadOnlyList<ComparedSystem> systems) =>
        from system in systems
        where system.Strategy is SharingStrategy.Vanilla or SharingStrategy.Shared
        from finding in Of(results, system)
        select finding;

    private static IEnumerable<AdapterStudyFinding> Of(AdapterStudyResults results, ComparedSystem system)
    {
        var lost = system.ByLanguage((hops, at) => hops.Backward(HopView.Receiver, at));
        var got = system.ByLanguage((hops, at) => hops.Forward(HopView.Receiver, at));
        string[] latin = [.. lost.Keys.Where(locale => MassiveLocale.Of(locale).IsLatin)];
        string most = string.Join(
            ", ", lost.Where(pair => pair.Value is not null).OrderBy(pair => pair.Value)
                .Take(LanguageOrder.Destructive.Count).Select(pair => $"{pair.Key} {Points(pair.Value!.Value)}"));
        AdapterStudyFinding?[] findings =
        [
            Lower(results, lost, lost.Keys.Except(latin), (other, own) =>
                $"{system.Title}: languages in other scripts forget more than those in Latin script: MBT (receiver) "
                + $"{Points(other)} and {Points(own)}"),
            Lower(results, got, got.Keys.Except(latin), (other, own) =>
                $"{system.Title}: transfer reaches languages in other scripts less than those in Latin script: MFT "
                + $"(receiver) {Points(other)} and {Points(own)}"),
            Lower(results, lost, LanguageOrder.Destructive, (own, other) =>
                $"{system.Title}: zh-CN, ja-JP and th-TH forget more than the other languages: MBT (receiver) "
                + $"{Points(own)} and {Points(other)}; most of all forget {most}"),
            .. Harmful.SelectMany(locale => Costs(results, system, locale)),
            .. Losing.Select(locale => Loses(results, system, lost, locale)),
            Position(results, system),
        ];
        return findings.OfType<AdapterStudyFinding>();
    }

    /// <summary>That some languages have less of a measure than the rest, on average.</summary>
    private static AdapterStudyFinding? Lower(
        AdapterStudyResults results, IReadOnlyDictionary<string, double?> values, IEnumerable<string> some,
        Func<double, double, string> statement)
    {
        string[] group = [.. some.Where(values.ContainsKey)], rest = [.. values.Keys.Except(group)];
        return Mean(group) is { } less && Mean(rest) is { } more
            ? Above(statement(less, more), more - less, Larger(results.SpreadOver(group), results.SpreadOver(rest)))
            : null;

        double? Mean(string[] locales) => LocaleAverages.MeanOfDefined(locales.Select(locale => values[locale]));
    }

    /// <summary>That learning a language costs those before it more than learning others does: order by order, since
    /// what is there to be lost depends on it, beside languages that follow as few.</summary>
    private static IEnumerable<AdapterStudyFinding> Costs(
        AdapterStudyResults results, ComparedSystem system, string locale)
    {
        foreach (var order in system.Runs.GroupBy(run => run.Order))
        {
            ComparedSystem here = system with { Runs = [.. order] };
            var harm = here.ByLanguage((hops, at) => at > FewestEarlier ? hops.Backward(HopView.Donor, at) : null);
            string[] donors =
                [.. harm.Where(pair => pair.Value is not null).OrderBy(pair => pair.Value).Select(pair => pair.Key)];
            double[] others = [.. donors.Except(Harmful).Select(other => harm[other]!.Value)];
            if (harm.GetValueOrDefault(locale) is not { } own || others.Length == 0)
                continue;
            string all = string.Join(", ", donors.Select(donor => $"{donor} {Points(harm[donor]!.Value)}"));
            yield return Above(
                $"{system.Title}, {order.Key}: learning {locale} costs earlier languages more than learning others "
                + $"does: MBT (donor) {Points(own)} and {Points(others.Average())} ({all})", others.Average() - own,
                results.SpreadOver([.. harm.Keys]));
        }
    }

    private static AdapterStudyFinding? Loses(
        AdapterStudyResults results, ComparedSystem system, IReadOnlyDictionary<string, double?> lost, string locale)
    {
        if (lost.GetValueOrDefault(locale) is not { } change)
            return null;
        double[] all = [.. lost.Values.OfType<double>()];
        return Above(
            $"{system.Title}: {locale} loses: MBT (receiver) {Points(change)}, place "
            + $"{1 + all.Count(value => value > change)} of {all.Length} from the best", -change,
            results.SpreadOver([locale]));
    }

    /// <summary>What destructive languages do to the others depends on their place in the order.</summary>
    private static AdapterStudyFinding? Position(AdapterStudyResults results, ComparedSystem system)
    {
        string[] others = [.. system.Runs[0].Matrix.Locales.Except(LanguageOrder.Destructive)];
        return system.In("destructive_first", alsoIn: "destructive_last").Change(others) is { } first
            && system.In("destructive_last", alsoIn: "destructive_first").Change(others) is { } last
            ? Apart(
                $"{system.Title}: what destructive languages do to the others depends on their place: F1 of the other "
                + $"languages changes by {Points(first)} in the end where they come first, by {Points(last)} where "
                + "they come last, and what was learned longer ago has also had longer to be forgotten", first - last,
                results.SpreadOver(others))
            : null;
    }

    private static double? Larger(double? one, double? other) =>
        one is null || other is null ? null : Math.Max(one.Value, other.Value);
}
