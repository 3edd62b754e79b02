using System.Globalization;

namespace FastCpt.Engine.Reports;

/// <summary>A table of numbers as coloured cells: losses orange, gains blue, what is undefined grey.</summary>
/// <param name="Cells">By row and column.</param>
/// <param name="Format">How numbers are written, for the invariant culture.</param>
public sealed record HeatMap(
    string Title, string Note, IReadOnlyList<string> Rows, IReadOnlyList<string> Columns,
    IReadOnlyList<IReadOnlyList<double?>> Cells, string Format) : ReportChart(Title, Note)
{
    /// <summary>Cells that are too many are not written in, as their text could not be read.</summary>
    private const int MostWritten = 16;

    /// <summary>Shades on each side of 0; report.css has as many.</summary>
    private const int Shades = 5;

    private const double Left = 120, Top = 64;

    public override string ToSvg()
    {
        bool isWritten = Columns.Count <= MostWritten;
        double width = isWritten ? 52 : 16, height = isWritten ? 26 : 16;
        var svg = new Svg(Left + width * Columns.Count + 8, Top + height * Rows.Count + 8, Title);
        double most = Cells.SelectMany(row => row).OfType<double>().Select(Math.Abs).DefaultIfEmpty(0).Max();
        for (int column = 0; column < Columns.Count; column++)
            svg.Upright(Left + width * (column + 0.5) + 4, Top - 6, Columns[column], "start");
        for (int row = 0; row < Rows.Count; row++)
        {
            svg.Text(Left - 6, Top + height * (row + 0.5) + 4, Rows[row], "end");
            for (int column = 0; column < Columns.Count; column++)
            {
                double? value = Cells[row][column];
                string text = value is { } number ? number.ToString(Format, CultureInfo.InvariantCulture) : "undefined";
                double x = Left + width * column, y = Top + height * row;
                svg.Box(x, y, width - 1, height - 1, Shade(value, most), $"{Rows[row]}, {Columns[column]}: {text}");
                if (isWritten)
                    svg.Text(x + width / 2, y + height / 2 + 4, value is null ? "–" : text, "middle", "cell");
            }
        }

        return svg.ToString();
    }

    private static string Shade(double? value, double most) => value switch
    {
        null => "none",
        { } number when most == 0 || number == 0 => "zero",
        { } number => (number < 0 ? "loss" : "gain")
            + Math.Clamp((int)Math.Ceiling(Shades * Math.Abs(number) / most), 1, Shades)
                .ToString(CultureInfo.InvariantCulture),
    };
}
