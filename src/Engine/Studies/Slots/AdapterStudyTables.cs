using System.Globalization;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Reports;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>The tables of a study of adapters: every measure of every sequence, and what the measures are made of.
/// </summary>
public static class AdapterStudyTables
{
    /// <summary>What a column of a sequence's measures is called, and how it is computed.</summary>
    private static readonly (string Head, Func<Measured, double?> Of)[] Columns =
    [
        ("ACC", one => one.Metrics.FinalAverage),
        ("ACC strict", one => one.Strict),
        ("mean of seen", one => one.Metrics.MeanSeenAverage),
        ("CFT", one => one.Metrics.Cft),
        ("CBT = BWT", one => one.Metrics.Cbt),
        ("FWT", one => one.Metrics.Fwt),
        ("forgetting", one => one.Metrics.Forgetting),
        ("forgetting from 1", one => one.Metrics.ForgettingFromTheStart),
        ("running forgetting", one => one.Metrics.RunningForgetting),
        ("against MONO", one => one.Metrics.TransferAgainst(one.Mono)),
        ("below MULTI", one => one.Metrics.Intransigence(one.Multi)),
        ("MBT receiver", one => one.Hops.MeanBackward(HopView.Receiver)),
        ("MFT receiver", one => one.Hops.MeanForward(HopView.Receiver)),
        ("MBT donor", one => one.Hops.MeanBackward(HopView.Donor)),
        ("MFT donor", one => one.Hops.MeanForward(HopView.Donor)),
        ("MBT distance", one => one.Hops.MeanBackward(HopView.Distance)),
        ("MFT distance", one => one.Hops.MeanForward(HopView.Distance)),
    ];

    /// <summary>Heads, then a row a sequence; what is undefined says so.</summary>
    public static ReportTable Measures(AdapterStudyResults results) => new(
        "Measures of every sequence, F1 in points",
        [
            ["sequence", "order", "seed", .. Columns.Select(column => column.Head)],
            .. results.Sequences.Select(sequence => Row(
                [sequence.System, sequence.Order, Text(sequence.Seed)],
                new Measured(
                    new ContinualMetrics(sequence.Matrix), new MultiHop(sequence.Matrix),
                    results.MonoOf(sequence.Seed), results.MultiOf(sequence.Seed),
                    sequence.StrictAtEnd.Values.Average()))),
        ]);

    public static IEnumerable<ReportTable> Of(AdapterStudyResults results)
    {
        yield return Measures(results);
        yield return Singles(results);
        yield return Locales(results);
        foreach (IGrouping<string, SequenceResult> system in results.Systems)
            yield return ByLocale(results, system);
        foreach (ReportTable table in TransferTables.Of(results))
            yield return table;
        foreach (SequenceResult sequence in results.Sequences)
            yield return Matrix(sequence);
    }

    /// <summary>The table of measures as text in columns.</summary>
    public static string ToText(AdapterStudyResults results)
    {
        List<IReadOnlyList<string>> rows = [(string[])["system", "order", "seed", "ACC", "CBT", "MBT", "MFT"]];
        foreach (SingleResult single in results.Singles)
            rows.Add((string[])
            [
                single.System, "", Text(single.Seed), Number(single.Average), "", "", "",
            ]);
        foreach (SequenceResult one in results.Sequences)
        {
            var metrics = new ContinualMetrics(one.Matrix);
            var hops = new MultiHop(one.Matrix);
            rows.Add((string[])
            [
                one.System, one.Order, Text(one.Seed), Number(metrics.FinalAverage), Number(metrics.Cbt),
                Number(hops.MeanBackward(HopView.Receiver)), Number(hops.MeanForward(HopView.Receiver)),
            ]);
        }

        int[] widths = [.. Enumerable.Range(0, rows[0].Count).Select(column => rows.Max(row => row[column].Length))];
        return string.Join('\n', rows.Select(row => string.Join("  ", row.Select(
            (cell, column) => column < 2 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd()));
    }

    private static ReportTable Singles(AdapterStudyResults results)
    {
        string[] codes = [.. results.Locales.Select(locale => locale.Code)];
        var rows = new List<IReadOnlyList<string>>
        {
            (string[])["model", "seed", "mean", .. codes],
            (string[])
            [
                "each word's most frequent label", "", Number(results.Locales.Average(locale => locale.MajorityF1)),
                .. results.Locales.Select(locale => Number(locale.MajorityF1)),
            ],
        };
        foreach (SingleResult single in results.Singles)
        {
            rows.Add(Row("", single.F1));
            rows.Add(Row(", strict", single.StrictF1));

            string[] Row(string kind, IReadOnlyDictionary<string, double> scores) =>
            [
                single.System + kind, Text(single.Seed), Number(scores.Values.Average()),
                .. codes.Select(code => Number(scores.TryGetValue(code, out double f1) ? f1 : null)),
            ];
        }

        return new ReportTable("One language each, all at once, and fusions: F1 by locale", rows);
    }

    private static ReportTable Locales(AdapterStudyResults results) => new(
        "Languages",
        [
            ["locale", "script", "family", "Joshi class", "train / dev / test sentences", "pieces per word",
                "unknown pieces of test", "pieces dropped of dev and test", "words cut", "words without a piece",
                .. results.Locales[0].Overlaps.Keys],
            .. results.Locales.Select(locale => (IReadOnlyList<string>)
            [
                locale.Code, locale.Script, locale.Family, Text(locale.JoshiClass),
                locale.Sentences?.ToString() ?? "not recorded",
                Undefined.Text(locale.Fertility, "F2"), Undefined.Text(100 * locale.UnknownShare, "F3") + " %",
                Text(locale.DroppedPieces), Text(locale.CutWords), Text(locale.WordsWithoutPieces),
                .. results.Locales[0].Overlaps.Keys.Select(name => Undefined.Text(locale.Overlaps[name], "F3")),
            ]),
        ]);

    private static ReportTable ByLocale(AdapterStudyResults results, IGrouping<string, SequenceResult> system)
    {
        TransferMatrix[] orders = [.. system.Select(one => one.Matrix)];
        IReadOnlyDictionary<string, double?>[] columns =
        [
            Of((r, at) => r.Diagonal(at)), Of((r, at) => r[r.Count, at]),
            Of((r, at) => new MultiHop(r).Backward(HopView.Receiver, at)),
            Of((r, at) => new MultiHop(r).Forward(HopView.Receiver, at)),
            Of((r, at) => new MultiHop(r).Backward(HopView.Donor, at)),
            Of((r, at) => new MultiHop(r).Forward(HopView.Donor, at)),
        ];
        return new ReportTable(
            $"{system.Key} by language, the mean over orders and seeds",
            [
                ["locale", "when learned", "at the end", "MBT receiver", "MFT receiver", "MBT donor", "MFT donor"],
                .. results.Locales.Where(locale => columns[0].ContainsKey(locale.Code)).Select(
                    locale => (IReadOnlyList<string>)
                    [locale.Code, .. columns.Select(column => Number(column[locale.Code]))]),
            ]);

        IReadOnlyDictionary<string, double?> Of(Func<TransferMatrix, int, double?> measure) =>
            LocaleAverages.Of(orders, measure);
    }

    private static ReportTable Matrix(SequenceResult sequence)
    {
        TransferMatrix r = sequence.Matrix;
        return new ReportTable(
            $"R of {sequence.System}, order {sequence.Order}, seed {sequence.Seed}",
            [
                ["after", .. r.Locales],
                .. Enumerable.Range(0, r.Count + 1).Select(step => (IReadOnlyList<string>)
                [
                    step == 0 ? "nothing" : $"{step} {r.Locales[step - 1]}",
                    .. Enumerable.Range(1, r.Count).Select(position => Number(r[step, position])),
                ]),
            ]);
    }

    private static IReadOnlyList<string> Row(string[] heads, Measured measured) =>
        [.. heads, .. Columns.Select(column => Number(column.Of(measured)))];

    /// <summary>A share of 1 in points; what is undefined says so.</summary>
    internal static string Number(double? share) => Undefined.Text(100 * share, "F2");

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private sealed record Measured(
        ContinualMetrics Metrics, MultiHop Hops, IReadOnlyDictionary<string, double> Mono,
        IReadOnlyDictionary<string, double> Multi, double Strict);
}
