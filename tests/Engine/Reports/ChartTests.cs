using System.Text;
using System.Xml.Linq;
using FastCpt.Engine.Reports;

namespace FastCpt.Tests.Engine.Reports;

internal sealed class ChartTests
{
    private const string Hostile = "</svg><script>alert(1)</script>";

    private static IEnumerable<ReportChart> Charts =>
    [
        new LineChart(Hostile, "", "step", "F1", [new ChartLine(Hostile, [0.5, null, 0.7]), new ChartLine("b", [1])])
        {
            Levels = [new ChartLevel(Hostile, 2)],
        },
        new HeatMap(Hostile, "", ["a", Hostile], ["b"], [[0.5], [null]], "F2"),
        new BarChart(Hostile, "", "MBT", [new ChartBar(Hostile, "Latin", -1), new ChartBar("b", Hostile, null)], "F1"),
        new ScatterChart(Hostile, "", "x", "y", [new ChartPoint(Hostile, Hostile, 1, 2)], IsLogarithmic: true),
    ];

    [TestCaseSource(nameof(Charts))]
    public void Chart_IsWellFormed_AndNamesStayText(ReportChart chart)
    {
        XElement svg = XElement.Parse(chart.ToSvg());
        Assert.That(svg.Descendants("script"), Is.Empty);
        Assert.That(svg.Value, Does.Contain(Hostile));
        Assert.That(svg.DescendantsAndSelf().Attributes("style"), Is.Empty, "the page's policy would refuse it");
    }

    [TestCaseSource(nameof(Charts))]
    public void Chart_HasOnlyClassesThatTheReportColours(ReportChart chart)
    {
        string html = Encoding.UTF8.GetString(HtmlReport.Write(new ReportContent("t", "s", [], [], [])
        {
            Charts = [chart],
        }));
        string[] classes = [.. XElement.Parse(chart.ToSvg()).Descendants().Attributes("class")
            .SelectMany(attribute => attribute.Value.Split(' ')).Where(name => name != "dash0").Distinct()];
        Assert.That(classes, Is.Not.Empty);
        foreach (string name in classes)
            Assert.That(html, Does.Contain($".{name} ").Or.Contain($".{name},").Or.Contain($"text.{name} "), name);
    }

    [Test]
    public void Report_WithoutFrontier_HasNoScript()
    {
        string html = Encoding.UTF8.GetString(HtmlReport.Write(
            new ReportContent("t", "s", [new ReportFinding("Seen.", null)], [], []) { Charts = [.. Charts] }));
        Assert.That(html, Does.Not.Contain("<script").And.Not.Contain("script-src"));
        Assert.That(html, Does.Contain("<b class=\"unseen\">not visible</b>Seen."));
    }

    [Test]
    public void LineChart_BreaksWhereAValueIsUndefined()
    {
        var chart = new LineChart("t", "", "step", "F1", [new ChartLine("a", [1, 2, null, 3, 4])]);
        Assert.That(XElement.Parse(chart.ToSvg()).Elements("path").Count(), Is.EqualTo(2));
    }

    [Test]
    public void HeatMap_TellsLossesGainsAndUndefinedApart()
    {
        var map = new HeatMap("t", "", ["a"], ["b", "c", "d", "e"], [[-1, 1, 0, null]], "F1");
        string[] kinds =
            [.. XElement.Parse(map.ToSvg()).Elements("rect").Select(box => (string)box.Attribute("class")!)];
        Assert.That(kinds, Is.EqualTo(new[] { "loss5", "gain5", "zero", "none" }));
    }

    [Test]
    public void BarChart_RanksFromTheHighest_UndefinedLast()
    {
        var chart = new BarChart(
            "t", "", "v", [new("low", "g", -2), new("none", "g", null), new("high", "g", 3)], "F1");
        string[] words = [.. XElement.Parse(chart.ToSvg()).Elements("text").Select(text => text.Value)];
        Assert.That(
            words.Where(word => word is "low" or "none" or "high"), Is.EqualTo(new[] { "high", "low", "none" }));
        Assert.That(words, Does.Contain("undefined"));
    }

    /// <summary>The group i from 0 has one bar less than the one before it, and the last three have one each.</summary>
    [Test]
    public void BarChart_OfMoreGroupsThanColours_HasColoursForTheCommonest_AndNamesTheOthers()
    {
        int[] sizes = [7, 6, 5, 4, 3, 2, 1, 1, 1];
        var chart = new BarChart(
            "t", "", "v",
            [
                .. sizes.SelectMany((size, i) => Enumerable.Range(0, size).Select(
                    value => new ChartBar($"bar{i}", $"g{i}", value))),
            ],
            "F1");
        XElement svg = XElement.Parse(chart.ToSvg());
        string[] words = [.. svg.Elements("text").Select(text => text.Value)];
        Assert.That(
            words.Where(word => word.StartsWith('g') || word == "other"),
            Is.EqualTo(new[] { "g0", "g1", "g2", "g3", "g4", "g5", "other" }));
        Assert.That(words, Does.Contain("bar7 g7").And.Contain("bar5").And.None.Contains("bar5 "));
        ILookup<string, string> colours = svg.Elements("rect").Where(box => box.Element("title") is not null).ToLookup(
            box => box.Element("title")!.Value.Split(": ")[0], box => (string)box.Attribute("class")!);
        Assert.That(
            Enumerable.Range(0, 9).Select(i => colours[$"bar{i}, g{i}"].Distinct().Single()),
            Is.EqualTo(new[] { 0, 1, 2, 3, 4, 5, 6, 6, 6 }.Select(colour => $"fill{colour}")));
    }

    [Test]
    public void LineChart_HasItsLevelsWithinItsScale_AndNamed()
    {
        var chart = new LineChart("t", "", "step", "F1", [new ChartLine("a", [1, 2])])
        {
            Levels = [new ChartLevel("high", 9)],
        };
        XElement svg = XElement.Parse(chart.ToSvg());
        XElement[] dotted = [.. svg.Elements("line").Where(line => (string?)line.Attribute("class") == "line1 dash2")];
        Assert.That(dotted, Has.Length.EqualTo(2), "across the chart, and in the legend");
        Assert.That((double)dotted[0].Attribute("y1")!, Is.GreaterThanOrEqualTo(12).And.LessThan(100));
        Assert.That(svg.Elements("text").Select(text => text.Value), Does.Contain("high").And.Contain("10"));
    }

    [TestCase(0.0, 1.0, "0.0", "1.0")]
    [TestCase(0.013, 0.094, "0.00", "0.10")]
    [TestCase(-30.0, 12.0, "-30", "20")]
    [TestCase(5.0, 5.0, "4.4", "5.6")]
    public void ChartScale_EndsAtRoundNumbers(double low, double high, string first, string last)
    {
        var scale = new ChartScale([low, high], 0, 100);
        Assert.That(scale.Label(scale.Ticks[0]), Is.EqualTo(first));
        Assert.That(scale.Label(scale.Ticks[^1]), Is.EqualTo(last));
        Assert.That(scale.At(scale.Ticks[0]), Is.Zero.Within(1e-9));
        Assert.That(scale.At(scale.Ticks[^1]), Is.EqualTo(100).Within(1e-9));
    }
}
