using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Reports;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Tables, findings and figures of results that are written down: the matrix of lora-sharing.md 3.7.</summary>
public sealed class AdapterStudyReportTests
{
    private static readonly string[] Locales = ["en-US", "de-DE", "zh-CN", "th-TH"];

    private static readonly double[][] Vector =
    [
        [0.02, 0.01, 0.00, 0.03], [0.70, 0.40, 0.20, 0.30], [0.64, 0.72, 0.26, 0.38], [0.50, 0.60, 0.68, 0.34],
        [0.60, 0.66, 0.56, 0.74],
    ];

    [Test]
    public void Measures_AreThoseOfTheVector()
    {
        IReadOnlyList<IReadOnlyList<string>> rows = AdapterStudyTables.Measures(Results(0.7, 0.71)).Rows;
        var values = rows[0].Zip(rows[1]).ToDictionary(pair => pair.First, pair => pair.Second);
        Assert.Multiple(() =>
        {
            Assert.That(values["ACC"], Is.EqualTo("64.00"));
            Assert.That(values["CBT = BWT"], Is.EqualTo("-9.33"));
            Assert.That(values["FWT"], Is.EqualTo("32.00"));
            Assert.That(values["running forgetting"], Is.EqualTo("10.44"));
            Assert.That(values["MBT receiver"], Is.EqualTo("-11.00"));
            Assert.That(values["MFT receiver"], Is.EqualTo("31.00"));
            Assert.That(values["MBT donor"], Is.EqualTo("-5.89"));
            Assert.That(values["MFT donor"], Is.EqualTo("10.56"));
            Assert.That(values["below MULTI"], Is.EqualTo("undefined"));
        });
    }

    [Test]
    public void Finding_BelowTheSpreadOfSeeds_IsNotVisible()
    {
        Assert.That(Forgets(Results(0.70, 0.71)).Holds, Is.True);
        Assert.That(Forgets(Results(0.60, 0.71)).Holds, Is.Null, "9.33 points are less than the 11 of the seeds");
        Assert.That(Forgets(Results(0.70)).Statement, Does.EndWith("no spread of seeds is known."));

        static AdapterStudyFinding Forgets(AdapterStudyResults results) => AdapterStudyFinding.Of(results).First(
            finding => finding.Statement.StartsWith("SHARED forgets:", StringComparison.Ordinal));
    }

    [Test]
    public void Findings_CompareScripts()
    {
        AdapterStudyFinding finding = AdapterStudyFinding.Of(Results(0.7, 0.71)).First(
            one => one.Statement.Contains("other scripts forget more", StringComparison.Ordinal));
        Assert.That(finding.Statement, Does.Contain("MBT (receiver) -12.00 and -10.50"));
    }

    [Test]
    public void Report_ShowsEveryFigure_WithoutScript()
    {
        ReportContent content = AdapterStudyReport.Of(Results(0.7, 0.71));
        string[] titles = [.. content.Charts.Select(chart => chart.Title)];
        foreach (string part in (string[])["seen so far", "All languages", "Change since learned", "MBT of", "MFT of",
            "Shared pieces", "Parameters and F1"])
            Assert.That(titles, Has.Some.Contains(part));
        string html = Encoding.UTF8.GetString(HtmlReport.Write(content));
        Assert.That(html, Does.Not.Contain("<script").And.Not.Contain("NaN"));
        Assert.That(html, Does.Contain("undefined"));
    }

    [Test]
    public void ResultsFile_ReadsBackWhatItWrote()
    {
        using var folder = new TestFolder();
        AdapterStudyResults results = Results(0.7, 0.71);
        File.WriteAllText(folder.At("results.json"), AdapterResultsFile.ToText(results));
        AdapterStudyResults read = AdapterResultsFile.Load(folder.At("results.json"));
        Assert.That(AdapterResultsFile.ToText(read), Is.EqualTo(AdapterResultsFile.ToText(results)));
    }

    [TestCase("\"kind\": \"adapters\"", "\"kind\": \"families\"", false)]
    [TestCase("\"kind\": \"adapters\"", "\"kind\": \"adapters\"", true)]
    public void ResultsFile_KnowsItsKind(string part, string replacement, bool expected)
    {
        using var folder = new TestFolder();
        File.WriteAllText(
            folder.At("results.json"),
            AdapterResultsFile.ToText(Results(0.7)).Replace(part, replacement, StringComparison.Ordinal));
        Assert.That(AdapterResultsFile.IsAt(folder.At("results.json")), Is.EqualTo(expected));
    }

    [TestCase("\"shared\"", "\"shard\"", "'shard' is no strategy")]
    [TestCase("\"order\"", "\"ordre\"", "are not the results")]
    [TestCase("0.72", "\"0.72\"", "are not the results")]
    public void ResultsFile_RefusesWhatItDoesNotKnow(string part, string replacement, string reason)
    {
        using var folder = new TestFolder();
        File.WriteAllText(
            folder.At("results.json"),
            AdapterResultsFile.ToText(Results(0.7)).Replace(part, replacement, StringComparison.Ordinal));
        Assert.That(
            () => AdapterResultsFile.Load(folder.At("results.json")),
            Throws.TypeOf<RunException>().With.Message.Contains(reason).And.Property("Code").EqualTo(ExitCode.Config));
    }

    /// <summary>A SHARED sequence with the vector's matrix, and MONO with a score for each seed.</summary>
    private static AdapterStudyResults Results(params double[] monos)
    {
        var r = new TransferMatrix(Locales);
        for (int step = 0; step <= r.Count; step++)
            for (int position = 1; position <= r.Count; position++)
                r[step, position] = Vector[step][position - 1];
        return new AdapterStudyResults(
            "written", "1.0", "cpu",
            [.. Locales.Select((code, i) => new StudyLocale(
                code, i < 2 ? "Latin" : code, "family", 5, 1.5, 0,
                new Dictionary<string, double?> { ["jaccard"] = 0.1 * i }))],
            [.. monos.Select((score, i) => new SingleResult(
                SharingStrategy.Mono, (ulong)i + 1, 400, Locales.ToDictionary(locale => locale, _ => score)))],
            [], [new SequenceResult(SharingStrategy.Shared, 8, 1, "given", 10, r)]);
    }
}
