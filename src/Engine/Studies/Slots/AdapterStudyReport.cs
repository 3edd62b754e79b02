using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Reports;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Turns the results of a study of adapters into what its report shows. lora-sharing.md 6.</summary>
public static class AdapterStudyReport
{
    public static ReportContent Of(AdapterStudyResults results) => new(
        $"Study {results.Name}",
        $"FastCpt {results.Tool}, {results.Device}; {results.Locales.Count} locales, "
        + $"{results.Sequences.Count} sequences; slot F1 of test sentences, from 0 to 100, higher is better. "
        + "Forward and backward transfer over hops are reconstructed: which of the views the paper computed is not "
        + "known.",
        [.. AdapterStudyFinding.Of(results).Select(finding => new ReportFinding(finding.Statement, finding.Holds))],
        [],
        [.. AdapterStudyTables.Of(results)])
    {
        Notes = results.Notes,
        Config = results.Config,
        Charts =
        [
            .. results.Orders.SelectMany(order => Curves(results, order)),
            .. Parameters(results),
            .. results.Systems.SelectMany(system => Hops(results, system)),
            .. results.Systems.SelectMany(system => Overlap(results, system)),
            .. results.Sequences.Select(Change),
        ],
    };

    /// <summary>Averages after every step, a line for each system, and a level for each that has no steps.</summary>
    private static IEnumerable<ReportChart> Curves(AdapterStudyResults results, string order)
    {
        SequenceResult[] here = [.. results.Sequences.Where(sequence => sequence.Order == order)];
        ChartLevel[] levels =
        [
            .. results.Singles.GroupBy(single => single.System).Select(system => new ChartLevel(
                system.Key, system.Average(
                    single => 100 * here[0].Matrix.Locales.Average(locale => single.F1[locale])))),
        ];
        string dotted = levels.Length > 0 ? " Dotted: what has no steps, on all of these languages." : "";
        yield return new LineChart(
            $"Languages seen so far, order {order}",
            "Mean F1 on the languages that were learned up to a step; the mean over seeds." + dotted, "step", "F1",
            Lines((metrics, step) => metrics.SeenAverage(step)))
        {
            Levels = levels,
        };
        yield return new LineChart(
            $"All languages, order {order}",
            "Mean F1 on all languages after a step, those not yet learned included; the mean over seeds." + dotted,
            "step", "F1", Lines((metrics, step) => metrics.AllAverage(step)))
        {
            Levels = levels,
        };
        yield return new LineChart(
            $"Running backward transfer, order {order}",
            "Mean change on earlier languages since each was learned (CBT so far); below 0 is forgetting.", "step",
            "CBT", Lines((metrics, step) => metrics.CbtAt(step)));

        ChartLine[] Lines(Func<ContinualMetrics, int, double?> measure) =>
        [
            .. here.GroupBy(sequence => sequence.System).Select(system => new ChartLine(
                system.Key,
                [.. Enumerable.Range(1, system.First().Matrix.Count).Select(step => Scaled(TransferMatrix.Mean(
                    system.Select(one => measure(new ContinualMetrics(one.Matrix), step)))))])),
        ];
    }

    private static IEnumerable<ReportChart> Parameters(AdapterStudyResults results)
    {
        var points = new List<ChartPoint>();
        foreach (SingleResult single in results.Singles.DistinctBy(single => single.System))
            points.Add(new ChartPoint(
                single.System, StrategyTitle.Of(single.Strategy), single.Parameters,
                100 * single.Average));
        foreach (IGrouping<string, SequenceResult> system in results.Systems)
            if (TransferMatrix.Mean(system.Select(
                one => new ContinualMetrics(one.Matrix).FinalAverage)) is { } average)
                points.Add(new ChartPoint(
                    system.Key, StrategyTitle.Of(system.First().Strategy), system.Max(one => one.Parameters),
                    100 * average));
        if (points.Count > 0)
            yield return new ScatterChart(
                "Parameters and F1",
                "Numbers that are trained and kept, heads left out, against the final average F1.", "parameters",
                "F1", points, IsLogarithmic: true);
    }

    /// <summary>R less its diagonal: what each step did to every language.</summary>
    private static HeatMap Change(SequenceResult sequence)
    {
        TransferMatrix r = sequence.Matrix;
        return new HeatMap(
            $"Change since learned: {sequence.System}, order {sequence.Order}, seed {sequence.Seed}",
            "F1 after a step less F1 right after the language itself was learned; before that, what is still missing.",
            [.. r.Locales.Select((locale, i) => $"{i + 1} {locale}")], r.Locales,
            [.. Enumerable.Range(1, r.Count).Select(step => (IReadOnlyList<double?>)
                [.. Enumerable.Range(1, r.Count).Select(at => Scaled(r[step, at] - r.Diagonal(at)))])],
            "F1");
    }

    /// <summary>Transfer over hops, by language, from both sides.</summary>
    private static IEnumerable<ReportChart> Hops(
        AdapterStudyResults results, IGrouping<string, SequenceResult> system)
    {
        foreach (HopView view in (HopView[])[HopView.Receiver, HopView.Donor])
        {
            string side = view == HopView.Receiver
                ? "receiver: how a language fares over all steps"
                : "donor: what learning a language does to the others";
            yield return Bars("MBT", side, (hops, at) => hops.Backward(view, at));
            yield return Bars("MFT", side, (hops, at) => hops.Forward(view, at));
        }

        BarChart Bars(string name, string side, Func<MultiHop, int, double?> measure)
        {
            var values = LocaleAverages.Of(
                [.. system.Select(one => one.Matrix)], (r, at) => measure(new MultiHop(r), at));
            return new BarChart(
                $"{name} of {system.Key}, {side}",
                "By language, in brackets its Joshi class; the mean over orders and seeds, coloured by script.",
                "F1 points",
                [.. results.Locales.Where(locale => values.ContainsKey(locale.Code)).Select(locale => new ChartBar(
                    $"{locale.Code} ({locale.JoshiClass})", locale.Script, Scaled(values[locale.Code])))],
                "F1");
        }
    }

    /// <summary>What a language shares with the others, against what it gives.</summary>
    private static IEnumerable<ReportChart> Overlap(
        AdapterStudyResults results, IGrouping<string, SequenceResult> system)
    {
        if (system.First().Strategy == SharingStrategy.NonShared)
            yield break;
        var values = LocaleAverages.Of(
            [.. system.Select(one => one.Matrix)], (r, at) => new MultiHop(r).Forward(HopView.Donor, at));
        foreach (string measure in results.Locales[0].Overlaps.Keys)
        {
            ChartPoint[] points =
            [
                .. from locale in results.Locales
                   let overlap = locale.Overlaps[measure]
                   let transfer = values.GetValueOrDefault(locale.Code)
                   where overlap is not null && transfer is not null
                   select new ChartPoint(locale.Code, locale.Script, overlap.Value, 100 * transfer.Value),
            ];
            if (points.Length > 1)
                yield return new ScatterChart(
                    $"Shared pieces and what a language gives: {system.Key}, {measure}",
                    $"Of training pieces, {measure}, the mean over the other languages; against MFT (donor).",
                    measure, "MFT (donor), F1 points", points);
        }
    }

    private static double? Scaled(double? share) => 100 * share;
}
