using System.Globalization;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Reports;
using static FastCpt.Engine.Studies.Slots.AdapterStudyTables;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What transfer goes with: distance in steps, script, resources, and pieces that languages share.</summary>
internal static class TransferTables
{
    private static readonly (string Name, Func<TransferMatrix, int, double?> Of)[] Measures =
    [
        ("F1 at the end", (r, at) => r[r.Count, at]),
        ("MBT receiver", (r, at) => new MultiHop(r).Backward(HopView.Receiver, at)),
        ("MFT receiver", (r, at) => new MultiHop(r).Forward(HopView.Receiver, at)),
        ("MBT donor", (r, at) => new MultiHop(r).Backward(HopView.Donor, at)),
        ("MFT donor", (r, at) => new MultiHop(r).Forward(HopView.Donor, at)),
    ];

    /// <summary>What lora-sharing.md 3.8 asks to be correlated.</summary>
    private static readonly string[] Correlated = ["MFT donor", "MBT receiver", "MBT donor"];

    public static IEnumerable<ReportTable> Of(AdapterStudyResults results)
    {
        if (results.Sequences.Count == 0)
            yield break;
        foreach (string order in results.Orders)
            yield return Distances(results, order);
        yield return Groups(results, "script", locale => locale.Script);
        yield return Groups(
            results, "Joshi class", locale => locale.JoshiClass.ToString(CultureInfo.InvariantCulture));
        yield return Correlations(results);
    }

    /// <summary>Change and transfer after so many steps, the mean over seeds.</summary>
    private static ReportTable Distances(AdapterStudyResults results, string order)
    {
        IGrouping<string, SequenceResult>[] systems =
            [.. results.Sequences.Where(one => one.Order == order).GroupBy(one => one.System)];
        return new ReportTable(
            $"Transfer by distance in steps, order {order}",
            [
                [
                    "steps",
                    .. systems.SelectMany(system => (string[])[$"{system.Key} backward", $"{system.Key} forward"]),
                ],
                .. Enumerable.Range(1, systems[0].First().Matrix.Count - 1).Select(distance => (IReadOnlyList<string>)
                [
                    distance.ToString(CultureInfo.InvariantCulture),
                    .. systems.SelectMany(system => (string[])
                    [
                        Mean(system, hops => hops.Backward(HopView.Distance, distance)),
                        Mean(system, hops => hops.Forward(HopView.Distance, distance)),
                    ]),
                ]),
            ]);

        static string Mean(IEnumerable<SequenceResult> runs, Func<MultiHop, double?> measure) =>
            Number(TransferMatrix.Mean(runs.Select(run => measure(new MultiHop(run.Matrix)))));
    }

    private static ReportTable Groups(AdapterStudyResults results, string name, Func<StudyLocale, string> groupOf)
    {
        string[] groups = [.. results.Locales.Select(groupOf)];
        var rows = new List<IReadOnlyList<string>>
        {
            (string[])["system", name, "languages", .. Measures.Select(measure => measure.Name)],
        };
        foreach (IGrouping<string, SequenceResult> system in results.Systems)
        {
            var means = Measures.Select(measure => Correlation.GroupMeans(groups, Values(results, system, measure.Of)))
                .ToArray();
            for (int i = 0; i < means[0].Count; i++)
                rows.Add((string[])
                [
                    system.Key, means[0][i].Group, means[0][i].Count.ToString(CultureInfo.InvariantCulture),
                    .. means.Select(measure => Number(measure[i].Mean)),
                ]);
        }

        return new ReportTable($"Means by {name}", rows);
    }

    private static ReportTable Correlations(AdapterStudyResults results)
    {
        var rows = new List<IReadOnlyList<string>>
        {
            (string[])
            [
                "system", "measure of a language",
                .. Correlated.SelectMany(target => (string[])[$"{target} Pearson", $"{target} Spearman"]),
            ],
        };
        foreach (IGrouping<string, SequenceResult> system in results.Systems)
        {
            double?[][] targets = [.. Correlated.Select(
                target => Values(results, system, Measures.First(measure => measure.Name == target).Of))];
            foreach (string name in results.Locales[0].Measures.Select(measure => measure.Key))
            {
                double?[] x =
                    [.. results.Locales.Select(locale => locale.Measures.First(one => one.Key == name).Value)];
                rows.Add((string[])
                [
                    system.Key, name,
                    .. targets.SelectMany(y => (string[])
                    [
                        Undefined.Text(Correlation.Pearson(x, y), "F2"),
                        Undefined.Text(Correlation.Spearman(x, y), "F2"),
                    ]),
                ]);
            }
        }

        return new ReportTable("What goes with transfer: correlations over languages", rows);
    }

    /// <summary>A measure of every language of the study, the mean over orders and seeds.</summary>
    private static double?[] Values(
        AdapterStudyResults results, IEnumerable<SequenceResult> runs, Func<TransferMatrix, int, double?> measure)
    {
        var values = LocaleAverages.Of([.. runs.Select(run => run.Matrix)], measure);
        return [.. results.Locales.Select(locale => values.GetValueOrDefault(locale.Code))];
    }
}
