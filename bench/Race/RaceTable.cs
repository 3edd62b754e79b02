using System.Globalization;

namespace FastCpt.Bench.Racing;

/// <summary>Times of a case, a round each; those of the peer are empty without one.</summary>
internal sealed record RaceRow(string Title)
{
    public List<RaceTime> Ours { get; } = [];

    public List<RaceTime> Plain { get; } = [];

    public List<RaceTime> Tuned { get; } = [];

    public string PlainMode { get; set; } = "";

    public string TunedMode { get; set; } = "";
}

/// <summary>Rows as a Markdown table, alone or in the place of older ones in a file.</summary>
internal static class RaceTable
{
    private const string Header =
        "| work | FastCpt, s | peer, s | tuned, s | peer / FastCpt | tuned / FastCpt | of limit "
        + "| peak MiB: FastCpt, peer | ratio | peer: version and mode |";

    private const string Rule = "|---|---|---|---|---|---|---|---|---|---|";

    public static void PrintHeader(TextWriter output) => output.WriteLine($"{Header}\n{Rule}");

    public static void Print(RaceRow row, TextWriter output) => output.WriteLine(Line(row));

    /// <summary>Puts the row in the place of that of its title in the file's table, or behind the last one; other rows,
    /// and text around, stay.</summary>
    public static void Update(RaceRow row, string path)
    {
        List<string> lines = File.Exists(path) ? [.. File.ReadAllLines(path)] : [];
        if (!lines.Contains(Rule))
            lines.AddRange(Header, Rule);
        int at = lines.FindIndex(line => line.StartsWith($"| {row.Title} |", StringComparison.Ordinal));
        if (at >= 0)
        {
            lines[at] = Line(row);
        }
        else
        {
            for (at = lines.IndexOf(Rule) + 1; at < lines.Count && lines[at].StartsWith('|');)
                at++;
            lines.Insert(at, Line(row));
        }

        File.WriteAllLines(path, lines);
    }

    private static string Line(RaceRow row)
    {
        RaceTime ours = row.Ours[0];
        double memory = row.Ours.Max(time => time.PeakMiB);
        FormattableString start = $"| {row.Title} | {Median(row.Ours):F3} |";
        FormattableString share =
            $"{CaseReport.Median(row.Ours.Select(time => time.OfLimit)):P0} of {ours.Limit} ({ours.Version}) |";
        if (row.Tuned.Count == 0)
            return Text(start) + " - | - | - | - | " + Text(share) + Text($" {memory:F0}, - | - | none |");
        double peers = Math.Min(row.Plain.Max(time => time.PeakMiB), row.Tuned.Max(time => time.PeakMiB));
        return Text(start)
            + Text($" {Median(row.Plain):F3} | {Median(row.Tuned):F3} |")
            + Text($" {Ratio(row.Plain, row.Ours):F2} | {Ratio(row.Tuned, row.Ours):F2} | ") + Text(share)
            + Text($" {memory:F0}, {peers:F0} | {memory / peers:F2} | {Peer(row)} |");
    }

    /// <summary>Version and mode, that of the run as it comes too where it is another.</summary>
    private static string Peer(RaceRow row)
    {
        (RaceTime tuned, RaceTime plain) = (row.Tuned[^1], row.Plain[^1]);
        string of = Mode(row.TunedMode, tuned.Way), other = Mode(row.PlainMode, plain.Way);
        return $"{tuned.Version}: {of}" + (of == other ? "" : $" (as it comes: {other})");

        static string Mode(string mode, string way) =>
            mode.Length > 0 && way.Length > 0 ? $"{mode}, {way}" : mode + way;
    }

    private static double Median(List<RaceTime> times) => CaseReport.Median(times.Select(time => time.Seconds));

    private static double Ratio(List<RaceTime> peer, List<RaceTime> ours) =>
        CaseReport.Median(peer.Zip(ours, (theirs, own) => theirs.Seconds / own.Seconds));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
