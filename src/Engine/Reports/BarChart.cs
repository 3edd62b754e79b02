using System.Globalization;

namespace FastCpt.Engine.Reports;

/// <summary>A bar of a chart.</summary>
/// <param name="Group">What it is coloured by.</param>
/// <param name="Value">Null where it is undefined, which is written instead.</param>
public sealed record ChartBar(string Label, string Group, double? Value);

/// <summary>Values from the highest down, coloured by group.</summary>
/// <remarks>Where there are more groups than colours, the commonest have their own; bars of others name theirs.
/// </remarks>
/// <param name="Format">How numbers are written, for the invariant culture.</param>
public sealed record BarChart(
    string Title, string Note, string ValueTitle, IReadOnlyList<ChartBar> Bars, string Format)
    : ReportChart(Title, Note)
{
    private const string Others = "other";
    private const double Left = 176, Top = 8, PlotWidth = 480, Row = 20, LegendWidth = 220;

    public override string ToSvg()
    {
        string[] groups = Groups();
        double height = Row * Math.Max(Bars.Count, groups.Length);
        var svg = new Svg(Left + PlotWidth + LegendWidth, Top + height + 44, Title);
        var x = new ChartScale(
            Bars.Select(bar => bar.Value).OfType<double>().Append(0), Left + 40, Left + PlotWidth - 40);
        foreach (double tick in x.Ticks)
        {
            svg.Line(x.At(tick), Top, x.At(tick), Top + height, "grid");
            svg.Text(x.At(tick), Top + height + 16, x.Label(tick), "middle");
        }

        svg.Text(Left + PlotWidth / 2, Top + height + 36, ValueTitle, "middle");
        int row = 0;
        foreach (ChartBar bar in Bars.OrderByDescending(bar => bar.Value ?? double.NegativeInfinity)
            .ThenBy(bar => bar.Label, StringComparer.Ordinal))
            Draw(svg, x, bar, Top + Row * row++, groups);
        for (int i = 0; i < groups.Length; i++)
        {
            svg.Box(Left + PlotWidth + 14, Top + Row * i + 4, 12, 12, Svg.Fill(i));
            svg.Text(Left + PlotWidth + 32, Top + Row * i + 14, groups[i], "start");
        }

        return svg.ToString();
    }

    /// <summary>What has a colour, the commonest first.</summary>
    private string[] Groups()
    {
        string[] all =
        [
            .. Bars.CountBy(bar => bar.Group).OrderByDescending(group => group.Value)
                .ThenBy(group => group.Key, StringComparer.Ordinal).Select(group => group.Key),
        ];
        return all.Length <= Svg.Colours ? all : [.. all[..(Svg.Colours - 1)], Others];
    }

    private void Draw(Svg svg, ChartScale x, ChartBar bar, double y, string[] groups)
    {
        int group = Array.IndexOf(groups, bar.Group);
        svg.Text(Left - 6, y + 14, group < 0 ? $"{bar.Label} {bar.Group}" : bar.Label, "end");
        if (bar.Value is not { } value)
        {
            svg.Text(x.At(0) + 4, y + 14, "undefined", "start");
            return;
        }

        double from = Math.Min(x.At(0), x.At(value)), to = Math.Max(x.At(0), x.At(value));
        string text = value.ToString(Format, CultureInfo.InvariantCulture);
        svg.Box(
            from, y + 3, to - from, Row - 6, Svg.Fill(group < 0 ? groups.Length - 1 : group),
            $"{bar.Label}, {bar.Group}: {text}");
        svg.Text(value < 0 ? from - 4 : to + 4, y + 14, text, value < 0 ? "end" : "start");
    }
}
