namespace FastCpt.Engine.Reports;

/// <summary>A drawing of a report, without script.</summary>
/// <param name="Note">Says what is seen, below the title; may be empty.</param>
public abstract record ReportChart(string Title, string Note)
{
    /// <summary>The drawing as inline SVG.</summary>
    public abstract string ToSvg();
}
