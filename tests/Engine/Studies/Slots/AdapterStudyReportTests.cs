using System.Text;
using System.Text.Json.Nodes;
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
    public void Report_ShowsEveryFigure_WithoutScript()
    {
        ReportContent content = AdapterStudyReport.Of(Results(0.7, 0.71));
        string[] titles = [.. content.Charts.Select(chart => chart.Title)];
        foreach (string part in (string[])["seen so far", "All languages", "Change since learned", "MBT of", "MFT of",
            "Shared pieces", "Parameters and F1"])
            Assert.That(titles, Has.Some.Contains(part));
        Assert.That(content.Tables.Select(table => table.Title), Has.Some.EqualTo("Means by script"));
        string html = Encoding.UTF8.GetString(HtmlReport.Write(content));
        Assert.That(html, Does.Not.Contain("<script").And.Not.Contain("NaN"));
        Assert.That(html, Does.Contain("undefined"));
    }

    /// <summary>The vector's languages are the order's; MONO has 0.70 and 0.72 on each, MULTI 0.8.</summary>
    [Test]
    public void Averages_AreDrawnBesideWhatHasNoSteps()
    {
        AdapterStudyResults results = Results(0.7, 0.72);
        results = results with
        {
            Multis = [new SingleResult(
                SharingStrategy.Multi, 1, 400, WrittenResults.Scores(Locales, _ => 0.8),
                WrittenResults.Scores(Locales, _ => 0.8))],
        };
        LineChart[] charts = [.. AdapterStudyReport.Of(results).Charts.OfType<LineChart>()];
        Assert.That(charts, Has.Length.EqualTo(3));
        foreach (LineChart chart in charts[..2])
        {
            Assert.That(chart.Levels.Select(level => level.Label), Is.EqualTo(new[] { "MONO", "MULTI" }));
            Assert.That(chart.Levels.Select(level => level.Value), Is.EqualTo(new[] { 71.0, 80.0 }).Within(1e-9));
        }

        Assert.That(charts[2].Levels, Is.Empty, "changes have no level");
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

    [Test]
    public void ResultsFile_WithoutNumbersOfSentences_IsRead()
    {
        using var folder = new TestFolder();
        JsonObject json = AdapterResultsFile.ToJson(Results(0.7, 0.71));
        foreach (JsonNode? locale in json["locales"]!.AsArray())
            Assert.That(locale!.AsObject().Remove("sentences"), Is.True);
        File.WriteAllText(folder.At("results.json"), json.ToJsonString());
        AdapterStudyResults read = AdapterResultsFile.Load(folder.At("results.json"));
        Assert.That(read.Locales.Select(locale => locale.Sentences), Is.All.Null);
        ReportTable languages = AdapterStudyTables.Of(read).Single(table => table.Title == "Languages");
        Assert.That(languages.Rows[1], Does.Contain("not recorded"));
    }

    [Test]
    public void Report_SaysWhatTheNumbersAreMadeOf()
    {
        ReportContent content = AdapterStudyReport.Of(Results(0.7, 0.71));
        string html = Encoding.UTF8.GetString(HtmlReport.Write(content));
        Assert.That(html, Does.Contain("How this differs").And.Contain("<li>Only a test.</li>"));
        Assert.That(Row("One language each", "each word's most frequent label"), Does.Contain("30.00"));
        Assert.That(Row("One language each", "MONO, strict"), Does.Contain("35.00"));
        Assert.That(Row("Languages", "zh-CN"), Is.SupersetOf((string[])["3", "2", "1"]), "dropped, cut, no piece");
        Assert.That(Row("Languages", "zh-CN"), Does.Contain("11,514 / 2,033 / 2,974"));
        Assert.That(Row("Measures", "SHARED r8"), Does.Contain("50.00"), "strict, at the end");

        IReadOnlyList<string> Row(string title, string name) =>
            content.Tables.First(table => table.Title.StartsWith(title, StringComparison.Ordinal)).Rows
                .First(row => row[0] == name);
    }

    /// <summary>Distances of the vector: bwd −0.10, −0.13, −0.10 and fwd 0.32, 0.275, 0.27.</summary>
    [Test]
    public void Tables_HaveTransferByDistanceAndGroup()
    {
        ReportTable[] tables = [.. AdapterStudyTables.Of(Results(0.7, 0.71))];
        Assert.That(
            tables.Single(table => table.Title == "Transfer by distance in steps, order given").Rows.Skip(1),
            Is.EqualTo(new[] { new[] { "1", "-10.00", "32.00" }, ["2", "-13.00", "27.50"], ["3", "-10.00", "27.00"] }));
        string[] latin = [.. tables.Single(table => table.Title == "Means by script").Rows.Single(
            row => row[1] == "Latin")];
        Assert.That(latin[2..5], Is.EqualTo(new[] { "2", "63.00", "-10.50" }), "languages, at the end, MBT receiver");
        Assert.That(
            tables.Single(table => table.Title.StartsWith("What goes with", StringComparison.Ordinal)).Rows
                .Select(row => row[1]),
            Is.EqualTo(new[]
            {
                "measure of a language", "jaccard", "coverage by others", "pieces per word", "unknown pieces",
            }));
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
    [TestCase("\"shared\"", "\"mono\"", "'mono' is no strategy of sequences")]
    [TestCase("\"order\"", "\"ordre\"", "are not the results")]
    [TestCase("0.72", "\"0.72\"", "are not the results")]
    [TestCase("0.72", "1e300", "no score from 0 to 1")]
    [TestCase("0.72", "-0.1", "no score from 0 to 1")]
    [TestCase("\"code\": \"zh-CN\"", "\"code\": \"xx-XX\"", "no such locale")]
    [TestCase("\"code\": \"zh-CN\"", "\"code\": \"en-US\"", "there twice")]
    [TestCase("\"joshi_class\": 5", "\"joshi_class\": 9", "joshi_class is 9")]
    [TestCase("\"cut_words\": 2", "\"cut_words\": -2", "cut_words is -2")]
    [TestCase("\"train\": 11514", "\"train\": -1", "train is -1")]
    [TestCase("\"fertility\": 1.5", "\"fertility\": 1e300", "no measure")]
    [TestCase("\"jaccard\"", "\"jaccord\"", "not by the same measures")]
    [TestCase("\"seed\": 2", "\"seed\": 1", "monos: one of them is there twice")]
    [TestCase("\"zh-CN\": 0.7", "\"zh-TW\": 0.7", "'zh-TW' is no locale here")]
    [TestCase("\"rank\": 8", "\"rank\": -8", "rank is -8")]
    [TestCase("\"parameters\": 10", "\"parameters\": -10", "parameters is -10")]
    public void ResultsFile_RefusesWhatItDoesNotKnow(string part, string replacement, string reason)
    {
        string text = AdapterResultsFile.ToText(Results(0.7, 0.71));
        int first = text.IndexOf(part, StringComparison.Ordinal);
        Refuse(text[..first] + replacement + text[(first + part.Length)..], reason);
    }

    [Test]
    public void ResultsFile_RefusesOneWithoutLanguages()
    {
        JsonObject json = AdapterResultsFile.ToJson(Results(0.7));
        json["locales"] = new JsonArray();
        Refuse(json.ToJsonString(), "locales: there is none");
    }

    [Test]
    public void ResultsFile_RefusesScoresThatAreMissing()
    {
        JsonObject json = AdapterResultsFile.ToJson(Results(0.7));
        json["monos"]![0]!["f1"] = new JsonObject();
        Refuse(json.ToJsonString(), "scores of 0 locales, expected 4");
    }

    /// <summary>Lines of one chart have as many steps.</summary>
    [Test]
    public void ResultsFile_RefusesOrdersOfUnequalLength()
    {
        JsonObject json = AdapterResultsFile.ToJson(Results(0.7)), other = AdapterResultsFile.ToJson(WrittenResults.Of(
            [0.7], null,
            WrittenResults.Run(SharingStrategy.Shared, 8, "given", _ => 0.7, _ => 0.6, "en-US", "zh-CN")));
        JsonNode shorter = other["sequences"]![0]!.DeepClone();
        shorter["seed"] = 2;
        json["sequences"]!.AsArray().Add(shorter);
        Refuse(json.ToJsonString(), "the order 'given' is not the same in all");
    }

    private static void Refuse(string text, string reason)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("results.json"), text);
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
        AdapterStudyResults results = WrittenResults.Of(
            monos, null, new SequenceResult(
                SharingStrategy.Shared, 8, 1, "given", 10, r, WrittenResults.Scores(Locales, _ => 0.5)));
        return results with { Locales = [.. Locales.Select(WrittenResults.Locale)] };
    }
}
