using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>Results as JSON and back, and files that are none.</summary>
internal sealed class StudyResultsFileTests
{
    private TestFolder _folder = null!; // SetUp makes it

    [SetUp]
    public void SetUp() => _folder = new TestFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Results_AreReadBackToTheLastBit()
    {
        StudyResults results = Results.Of(
            Results.Model(null, null, Results.Language("en", LanguageRole.Base, null, 1.0 / 3)),
            Results.Model(StudySystem.L2Sp, "slavic", Results.Language("en", LanguageRole.Base, null, Math.PI))
                with { Seed = ulong.MaxValue }) with
        {
            Name = "</script>\"\n", Unigram = new Dictionary<string, double> { ["en"] = 0.1 + 0.2 },
        };
        StudyResults read = StudyResultsFile.Load(Write(StudyResultsFile.ToJson(results)));
        Assert.Multiple(() =>
        {
            Assert.That((read.Name, read.Tool, read.Device), Is.EqualTo((results.Name, results.Tool, results.Device)));
            Assert.That(read.Unigram, Is.EqualTo(results.Unigram));
            foreach ((ModelResult there, ModelResult here) in read.Models.Zip(results.Models))
            {
                Assert.That((there.Name, there.Seed, there.System, there.Family),
                    Is.EqualTo((here.Name, here.Seed, here.System, here.Family)));
                Assert.That(there.Languages, Is.EqualTo(here.Languages));
                Assert.That(there.Drift, Is.EqualTo(here.Drift));
            }
        });
    }

    /// <summary>Whoever collects the scores need not have computed them.</summary>
    [Test]
    public void Device_IsThatOfEachEvaluation_AndAllAreNamedOnce()
    {
        LanguageResult english = Results.Language("en", LanguageRole.Base, null, 1);
        ModelResult onProcessor = Results.Model(null, null, english);
        ModelResult elsewhere = Results.Model(StudySystem.Dense, null, english) with { Device = "cuda sm_90" };
        StudyResults read = StudyResultsFile.Load(
            Write(StudyResultsFile.ToJson(Results.Of(onProcessor, elsewhere, elsewhere))));
        Assert.That(read.Device, Is.EqualTo("cpu avx2, cuda sm_90"));
        Assert.That(StudyReport.Of(read).Source, Does.Contain(read.Device));
    }

    [Test]
    public void Model_IsReadBack()
    {
        ModelResult model = Results.Model(
            StudySystem.Soup, null, Results.Language("hr", LanguageRole.HeldOut, "slavic", 2));
        ModelResult read = StudyResultsFile.LoadModel(Write(StudyResultsFile.ToJson(model)));
        Assert.That(read.Languages, Is.EqualTo(model.Languages));
        Assert.That(read.System, Is.EqualTo(StudySystem.Soup));
    }

    [TestCase("""{}""", "'name' is missing")]
    [TestCase("""[]""", "results of a study")]
    [TestCase("""{"name": "x", "tool": "1", "models": 3, "unigram": {}}""", "results of a study")]
    [TestCase("""{"name": null, "tool": "1", "models": [], "unigram": {}}""", "'name' is null")]
    [TestCase("""{"name": "x", "name": "y"}""", "twice")]
    [TestCase("""{"name": "x", "tool": "1", "models": [], "unigram": {}}""", "no model")]
    [TestCase("""{"name": """, "results.json")]
    public void OtherFiles_EndWith3(string json, string reason)
    {
        File.WriteAllText(_folder.At("results.json"), json);
        RunException? refused = Assert.Throws<RunException>(() => StudyResultsFile.Load(_folder.At("results.json")));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain(_folder.At("results.json")).And.Match(reason));
    }

    [TestCase("system", "Sorcery")]
    [TestCase("system", "99")]
    [TestCase("seed", "-1")]
    public void UnknownValues_EndWith3(string key, string value)
    {
        JsonObject json = StudyResultsFile.ToJson(Results.Model(StudySystem.Soup, null));
        json[key] = key == "seed" ? -1 : value;
        Assert.That(
            Assert.Throws<RunException>(() => StudyResultsFile.LoadModel(Write(json)))!.Code,
            Is.EqualTo(ExitCode.Config));
    }

    [Test]
    public void ModelsOfDifferentLanguages_EndWith3()
    {
        JsonObject json = StudyResultsFile.ToJson(Results.Of(
            Results.Model(null, null, Results.Language("en", LanguageRole.Base, null, 1)),
            Results.Model(StudySystem.Soup, null, Results.Language("el", LanguageRole.Base, null, 1))));
        Assert.That(
            () => StudyResultsFile.Load(Write(json)), Throws.TypeOf<RunException>().With.Message.Contains("Soup"));
    }

    private string Write(JsonObject json)
    {
        File.WriteAllText(_folder.At("results.json"), json.ToJsonString());
        return _folder.At("results.json");
    }
}
