namespace FastCpt.Engine.Reports;

/// <summary>A point of a chart.</summary>
/// <param name="Group">What it is coloured and shaped by.</param>
public sealed record ChartPoint(string Label, string Group, double X, double Y);

/// <summary>Points with their names, coloured and shaped by group.</summary>
/// <param name="IsLogarithmic">Whether the horizontal axis counts powers of ten; values must be above 0 then.</param>
public sealed record ScatterChart(
    string Title, string Note, string XTitle, string YTitle, IReadOnlyList<ChartPoint> Points,
    bool IsLogarithmic = false) : ReportChart(Title, Note)
{
    private const double Left = 56, Top = 12, PlotWidth = 520, PlotHeight = 300, LegendWidth = 220, Row = 18;
    private const int MostNamed = 60;

    public override string ToSvg()
    {
        string[] groups = [.. Points.Select(point => point.Group).Distinct()];
        double height = Math.Max(Top + PlotHeight + 44, Top + Row * (groups.Length + 1));
        var svg = new Svg(Left + PlotWidth + LegendWidth, height, Title);
        var x = new ChartScale(Points.Select(point => Place(point.X)), Left + 8, Left + PlotWidth - 48);
        var y = new ChartScale(Points.Select(point => point.Y), Top + PlotHeight, Top + 8);
        foreach (double tick in y.Ticks)
        {
            svg.Line(Left, y.At(tick), Left + PlotWidth, y.At(tick), "grid");
            svg.Text(Left - 6, y.At(tick) + 4, y.Label(tick), "end");
        }

        foreach (double tick in x.Ticks)
        {
            svg.Line(x.At(tick), Top, x.At(tick), Top + PlotHeight, "grid");
            string label = IsLogarithmic ? $"10^{x.Label(tick)}" : x.Label(tick);
            svg.Text(x.At(tick), Top + PlotHeight + 16, label, "middle");
        }

        svg.Text(Left + PlotWidth / 2, Top + PlotHeight + 36, XTitle, "middle");
        svg.Upright(14, Top + PlotHeight / 2, YTitle, "middle");
        foreach (ChartPoint point in Points)
        {
            double at = x.At(Place(point.X)), high = y.At(point.Y);
            svg.Marker(at, high, Array.IndexOf(groups, point.Group), $"{point.Label} ({point.Group})");
            if (Points.Count <= MostNamed)
                svg.Text(at + 6, high + 4, point.Label, "start", "name");
        }

        for (int i = 0; i < groups.Length; i++)
        {
            svg.Marker(Left + PlotWidth + 20, Top + Row * (i + 0.5), i);
            svg.Text(Left + PlotWidth + 32, Top + Row * (i + 0.5) + 4, groups[i], "start");
        }

        return svg.ToString();
    }

    private double Place(double x) => IsLogarithmic ? Math.Log10(x) : x;
}
