using System.Text;
using FastCpt.Engine.Reports;

namespace FastCpt.Tests.Engine.Reports;

internal sealed class HtmlReportTests
{
    private const string Hostile = "</script><img src=x onerror=alert(1)>";

    [Test]
    public void Fault_V1_HostileNames_StayText()
    {
        string html = Write(Hostile);
        Assert.That(html, Does.Not.Contain("<img"));
        Assert.That(html, Does.Contain("&lt;/script&gt;&lt;img"));
        Assert.That(html, Does.Contain("\\u003C/script\\u003E"), "the data's island escapes too");
    }

    [Test]
    public void Report_RunsOnlyItsOwnScripts_AndFetchesNothing()
    {
        string html = Write("quickstart");
        Assert.That(html, Does.Contain("default-src 'none'; script-src 'sha256-"));
        Assert.That(html, Does.Not.Contain("unsafe-inline"));
        string markup = html[..html.IndexOf("<script", StringComparison.Ordinal)];
        foreach (string fetch in new[] { "src=", "href=", "url(", "@import" })
            Assert.That(markup, Does.Not.Contain(fetch));
    }

    [Test]
    public void Report_ShowsFindingsAndTables()
    {
        string html = Write("quickstart");
        Assert.That(html, Does.Contain("<b class=\"holds\">holds</b>It learned."));
        Assert.That(html, Does.Contain("<b class=\"fails\">does not</b>It forgot."));
        Assert.That(html, Does.Contain("<th scope=\"row\">Base</th><td>1.500</td>"));
    }

    private static string Write(string name) => Encoding.UTF8.GetString(HtmlReport.Write(new ReportContent(
        name, name, [new ReportFinding("It learned.", true), new ReportFinding("It forgot.", false)],
        [new FrontierPoint(name, 1, 2)],
        [new ReportTable(name, [["system", "bits"], ["Base", "1.500"], [name, "2.000"]])])));
}
