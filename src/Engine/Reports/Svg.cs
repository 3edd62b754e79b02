using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace FastCpt.Engine.Reports;

/// <summary>Writes one drawing as inline SVG: no style attributes, colours by class, text escaped.</summary>
/// <remarks>Classes are those of report.css, so that a drawing follows a dark or a light page.</remarks>
internal sealed class Svg
{
    /// <summary>Series whose colours differ; report.css has as many.</summary>
    public const int Colours = 7;

    private const int Dashes = 3;

    private readonly StringBuilder _text = new();

    /// <param name="title">What screen readers call the drawing.</param>
    public Svg(double width, double height, string title)
    {
        _text.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {width:0.#} {height:0.#}\" ");
        _text.Append(CultureInfo.InvariantCulture, $"width=\"{width:0.#}\" role=\"img\">\n");
        _text.Append($"<title>{HtmlEncoder.Default.Encode(title)}</title>\n");
    }

    public void Line(double x1, double y1, double x2, double y2, string kind) => _text.Append(
        CultureInfo.InvariantCulture,
        $"<line x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\" class=\"{kind}\"/>\n");

    public void Path(IEnumerable<(double X, double Y)> points, string kind)
    {
        string steps = string.Join(
            'L', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X:0.#} {point.Y:0.#}")));
        _text.Append($"<path d=\"M{steps}\" class=\"{kind}\"/>\n");
    }

    /// <summary>A filled box; a hint is shown when the pointer rests on it.</summary>
    public void Box(double x, double y, double width, double height, string kind, string? hint = null)
    {
        _text.Append(
            CultureInfo.InvariantCulture,
            $"<rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{width:0.#}\" height=\"{height:0.#}\" class=\"{kind}\"");
        _text.Append(hint is null ? "/>\n" : $"><title>{HtmlEncoder.Default.Encode(hint)}</title></rect>\n");
    }

    /// <summary>A mark of one of several shapes, so that series differ without colour too.</summary>
    public void Marker(double x, double y, int series, string? hint = null)
    {
        const double r = 3.5;
        string shape = (series % 5) switch
        {
            0 => FormattableString.Invariant($"<circle cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"{r}\""),
            1 => Polygon((x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)),
            2 => Polygon((x, y - 1.3 * r), (x + 1.2 * r, y + r), (x - 1.2 * r, y + r)),
            3 => Polygon((x, y - 1.4 * r), (x + 1.4 * r, y), (x, y + 1.4 * r), (x - 1.4 * r, y)),
            _ => Polygon((x, y + 1.3 * r), (x + 1.2 * r, y - r), (x - 1.2 * r, y - r)),
        };
        string name = shape[1..shape.IndexOf(' ')];
        _text.Append($"{shape} class=\"{Fill(series)}\">");
        if (hint is not null)
            _text.Append($"<title>{HtmlEncoder.Default.Encode(hint)}</title>");
        _text.Append($"</{name}>\n");
    }

    /// <param name="anchor">start, middle or end: which part of the text stands at x.</param>
    public void Text(double x, double y, string text, string anchor, string kind = "label") => _text
        .Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\" ")
        .Append($"class=\"{kind}\">{HtmlEncoder.Default.Encode(text)}</text>\n");

    /// <summary>Text that rises along a vertical line, ending there.</summary>
    public void Upright(double x, double y, string text, string anchor) => _text
        .Append(CultureInfo.InvariantCulture, $"<text transform=\"translate({x:0.#} {y:0.#}) rotate(-90)\" ")
        .Append($"text-anchor=\"{anchor}\" class=\"label\">{HtmlEncoder.Default.Encode(text)}</text>\n");

    /// <summary>The class that colours the outline of a series.</summary>
    public static string Stroke(int series) => $"line{series % Colours} dash{series / Colours % Dashes}";

    /// <summary>The class that colours the area of a series.</summary>
    public static string Fill(int series) => $"fill{series % Colours}";

    /// <summary>The class that dots the line of a series.</summary>
    public static string Dotted(int series) => $"line{series % Colours} dash{Dashes - 1}";

    public override string ToString() => _text + "</svg>\n";

    private static string Polygon(params ReadOnlySpan<(double X, double Y)> corners)
    {
        var points = new StringBuilder("<polygon points=\"");
        foreach (var (x, y) in corners)
            points.Append(CultureInfo.InvariantCulture, $"{x:0.#},{y:0.#} ");
        return points.Append('"').ToString();
    }
}
