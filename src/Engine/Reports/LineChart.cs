namespace FastCpt.Engine.Reports;

/// <summary>A value by step.</summary>
/// <param name="Values">By step, from the chart's first; a line is broken where there is none.</param>
public sealed record ChartLine(string Label, IReadOnlyList<double?> Values);

/// <summary>A value that no step changes.</summary>
public sealed record ChartLevel(string Label, double Value);

/// <summary>Lines over steps, told apart by colour, marks and dashes, with their names beside them.</summary>
/// <param name="FirstStep">The step of the first values.</param>
public sealed record LineChart(
    string Title, string Note, string StepTitle, string ValueTitle, IReadOnlyList<ChartLine> Lines, int FirstStep = 1)
    : ReportChart(Title, Note)
{
    private const double Left = 56, Top = 12, PlotWidth = 520, PlotHeight = 260, LegendWidth = 230, Row = 18;
    private const int MostTicks = 14;

    /// <summary>Dotted across the chart, to hold the lines to.</summary>
    public IReadOnlyList<ChartLevel> Levels { get; init; } = [];

    public override string ToSvg()
    {
        int steps = Math.Max(1, Lines.Max(line => line.Values.Count));
        double height = Math.Max(Top + PlotHeight + 44, Top + Row * (Lines.Count + Levels.Count + 1));
        var svg = new Svg(Left + PlotWidth + LegendWidth, height, Title);
        var y = new ChartScale(
            Lines.SelectMany(line => line.Values).OfType<double>().Concat(Levels.Select(level => level.Value)),
            Top + PlotHeight, Top);
        foreach (double tick in y.Ticks)
        {
            svg.Line(Left, y.At(tick), Left + PlotWidth, y.At(tick), "grid");
            svg.Text(Left - 6, y.At(tick) + 4, y.Label(tick), "end");
        }

        int stride = (steps + MostTicks - 1) / MostTicks;
        for (int step = 0; step < steps; step += stride)
            svg.Text(X(step), Top + PlotHeight + 16, $"{step + FirstStep}", "middle");
        svg.Text(Left + PlotWidth / 2, Top + PlotHeight + 36, StepTitle, "middle");
        svg.Upright(14, Top + PlotHeight / 2, ValueTitle, "middle");
        for (int i = 0; i < Lines.Count; i++)
            Draw(svg, Lines[i], i);
        for (int i = 0; i < Levels.Count; i++)
        {
            double legend = Top + Row * (Lines.Count + i + 0.5), at = y.At(Levels[i].Value);
            string kind = Svg.Dotted(Lines.Count + i);
            svg.Line(Left, at, Left + PlotWidth, at, kind);
            svg.Line(Left + PlotWidth + 14, legend, Left + PlotWidth + 40, legend, kind);
            svg.Text(Left + PlotWidth + 46, legend + 4, Levels[i].Label, "start");
        }

        return svg.ToString();

        double X(int step) => steps == 1 ? Left + PlotWidth / 2 : Left + PlotWidth * step / (steps - 1);

        void Draw(Svg drawing, ChartLine line, int series)
        {
            double legend = Top + Row * (series + 0.5);
            drawing.Line(Left + PlotWidth + 14, legend, Left + PlotWidth + 40, legend, Svg.Stroke(series));
            drawing.Marker(Left + PlotWidth + 27, legend, series);
            drawing.Text(Left + PlotWidth + 46, legend + 4, line.Label, "start");
            var run = new List<(double, double)>();
            for (int step = 0; step <= line.Values.Count; step++)
            {
                if (step < line.Values.Count && line.Values[step] is { } value)
                {
                    run.Add((X(step), y.At(value)));
                    drawing.Marker(X(step), y.At(value), series, $"{line.Label}, {step + FirstStep}: {y.Label(value)}");
                    continue;
                }

                if (run.Count > 1)
                    drawing.Path(run, Svg.Stroke(series));
                run.Clear();
            }
        }
    }
}
