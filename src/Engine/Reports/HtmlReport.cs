using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FastCpt.Engine.Reports;

/// <summary>
/// A system in the plane of what it acquired and what it forgot, both in percent of the base's bits per byte.
/// </summary>
public sealed record FrontierPoint(string Label, double Acquired, double Forgotten);

/// <summary>Heads and rows of text; the first column names the row.</summary>
public sealed record ReportTable(string Title, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>A statement and whether the numbers bear it out.</summary>
/// <param name="Holds">Null where a difference is too small to be seen.</param>
public sealed record ReportFinding(string Statement, bool? Holds);

/// <summary>What a report shows, in order.</summary>
/// <param name="Frontier">Empty where a study has none; the report is then without script.</param>
public sealed record ReportContent(
    string Title, string Source, IReadOnlyList<ReportFinding> Findings, IReadOnlyList<FrontierPoint> Frontier,
    IReadOnlyList<ReportTable> Tables)
{
    /// <summary>What a reader of the numbers has to know of how they came about.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The settings of what was run, or empty; they are folded up.</summary>
    public string Config { get; init; } = "";

    /// <summary>Drawings that need no script, before the tables.</summary>
    public IReadOnlyList<ReportChart> Charts { get; init; } = [];
}

/// <summary>
/// One self-contained HTML file: no network, nothing that runs but our two scripts, if any, known by their hashes.
/// </summary>
/// <remarks>
/// Text is escaped, data stand in a JSON island without a raw "&lt;", so that a hostile name stays text. The chart
/// library is uPlot (MIT), inlined.
/// </remarks>
public static class HtmlReport
{
    /// <summary>The document as UTF-8.</summary>
    public static byte[] Write(ReportContent content)
    {
        bool hasScript = content.Frontier.Count > 0;
        string[] scripts = hasScript ? [Asset("uPlot.iife.min.js"), Asset("report.js")] : [];
        string[] styles = hasScript ? [Asset("uPlot.min.css"), Asset("report.css")] : [Asset("report.css")];
        string policy = $"default-src 'none'; {(hasScript ? $"script-src {Hashes(scripts)}; " : "")}"
            + $"style-src {Hashes(styles)}; base-uri 'none'; form-action 'none'";
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.Append($"<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n");
        html.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.Append($"<title>{Escape(content.Title)}</title>\n");
        html.AppendJoin('\n', styles.Select(style => $"<style>{style}</style>")).Append("\n</head>\n<body>\n");
        html.Append($"<h1>{Escape(content.Title)}</h1>\n<p class=\"source\">{Escape(content.Source)}</p>\n");
        if (content.Notes.Count > 0)
            html.Append("<h2>How this differs</h2>\n<ul>\n")
                .AppendJoin('\n', content.Notes.Select(note => $"<li>{Escape(note)}</li>")).Append("\n</ul>\n");
        if (content.Config.Length > 0)
            html.Append("<details>\n<summary>Configuration</summary>\n<pre>")
                .AppendJoin('\n', content.Config.Split('\n').Select(Escape)).Append("</pre>\n</details>\n");
        WriteFindings(html, content.Findings);
        if (hasScript)
            html.Append("<h2>Acquisition and forgetting</h2>\n<p class=\"note\">Dashed: the systems that no other "
                + "beats on both axes.</p>\n<div id=\"frontier\"></div>\n");
        foreach (ReportChart chart in content.Charts)
            WriteChart(html, chart);
        foreach (ReportTable table in content.Tables)
            WriteTable(html, table);
        if (hasScript)
            html.Append(
                $"<script type=\"application/json\" id=\"frontier-data\">{Island(content.Frontier)}</script>\n");
        foreach (string script in scripts)
            html.Append($"<script>{script}</script>\n");
        return Encoding.UTF8.GetBytes(html.Append("</body>\n</html>\n").ToString());
    }

    private static void WriteChart(StringBuilder html, ReportChart chart)
    {
        html.Append($"<h2>{Escape(chart.Title)}</h2>\n");
        if (chart.Note.Length > 0)
            html.Append($"<p class=\"note\">{Escape(chart.Note)}</p>\n");
        html.Append("<div class=\"chart\">\n").Append(chart.ToSvg()).Append("</div>\n");
    }

    private static void WriteFindings(StringBuilder html, IReadOnlyList<ReportFinding> findings)
    {
        if (findings.Count == 0)
            return;
        html.Append("<h2>Findings</h2>\n<ul class=\"findings\">\n");
        foreach (ReportFinding finding in findings)
        {
            (string kind, string word) = finding.Holds switch
            {
                true => ("holds", "holds"),
                false => ("fails", "does not"),
                null => ("unseen", "not visible"),
            };
            html.Append($"<li><b class=\"{kind}\">{word}</b>{Escape(finding.Statement)}</li>\n");
        }

        html.Append("</ul>\n");
    }

    private static void WriteTable(StringBuilder html, ReportTable table)
    {
        html.Append($"<h2>{Escape(table.Title)}</h2>\n<table>\n<thead><tr>");
        foreach (string head in table.Rows[0])
            html.Append($"<th scope=\"col\">{Escape(head)}</th>");
        html.Append("</tr></thead>\n<tbody>\n");
        foreach (IReadOnlyList<string> row in table.Rows.Skip(1))
        {
            html.Append("<tr>");
            for (int column = 0; column < row.Count; column++)
                html.Append(column == 0
                    ? $"<th scope=\"row\">{Escape(row[column])}</th>"
                    : $"<td>{Escape(row[column])}</td>");
            html.Append("</tr>\n");
        }

        html.Append("</tbody>\n</table>\n");
    }

    private static string Island(IReadOnlyList<FrontierPoint> points)
    {
        using var bytes = new MemoryStream();
        // The default encoder writes every '<' as an escape.
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartArray();
            foreach (FrontierPoint point in points)
            {
                json.WriteStartObject();
                json.WriteString("label", point.Label);
                json.WriteNumber("acquired", point.Acquired);
                json.WriteNumber("forgotten", point.Forgotten);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static string Escape(string text) => HtmlEncoder.Default.Encode(text);

    private static string Hashes(IEnumerable<string> contents) => string.Join(' ', contents.Select(Hash));

    private static string Hash(string content) =>
        $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(content)))}'";

    private static string Asset(string name)
    {
        using Stream stream = typeof(HtmlReport).Assembly.GetManifestResourceStream($"FastCpt.Engine.Reports.{name}")
            ?? throw new InvalidOperationException($"The assembly does not carry {name}.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
