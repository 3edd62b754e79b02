using System.Text.Json;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>Whole studies of seconds: made once, up to date after, remade where they changed.</summary>
/// <remarks>A test that changes the common study changes it back.</remarks>
[Category("slow")]
internal sealed class StudyRunnerTests
{
    private static readonly string[] Languages = ["en", "hr", "ru", "nl", "cs"];
    private static readonly string[] Groups = ["other", "first", "middle", "last"];

    private TinyStudy _study = null!; // SetUp makes it
    private StudyResults _results = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        _study = new TinyStudy();
        (StudyResults? results, IReadOnlyList<string> made) = _study.Run(_study.Config());
        Assert.That(made, Has.Count.EqualTo(new StudyGraph(_study.Config()).Artefacts.Count));
        _results = results!; // all of it was made
    }

    [OneTimeTearDown]
    public void TearDown() => _study.Dispose();

    [Test]
    public void Study_RunAgain_IsUpToDate()
    {
        byte[] report = File.ReadAllBytes(_study.Path("report.html"));
        (StudyResults? again, IReadOnlyList<string> made) = _study.Run(_study.Config());
        Assert.That(made, Is.Empty);
        Assert.That(StudyResultsFile.ToJson(again!).ToJsonString(),
            Is.EqualTo(StudyResultsFile.ToJson(_results).ToJsonString()));
        Assert.That(File.ReadAllBytes(_study.Path("report.html")), Is.EqualTo(report));
    }

    [Test]
    public void Study_ScoresEveryModelOnEveryLanguage()
    {
        foreach (ModelResult model in _results.Models)
        {
            Assert.That(model.Languages.Select(result => result.Language.Code), Is.EqualTo(Languages));
            Assert.That(model.Languages.Select(result => result.BitsPerByte), Has.All.InRange(0.5, 12));
            Assert.That(model.Drift.Select(drift => drift.Group), Is.EquivalentTo(Groups));
        }

        foreach (ModelResult model in _results.Models.Where(model => model.System is StudySystem.Freeze
            or StudySystem.DenseReverted or StudySystem.ExpertReverted))
            Assert.That(model.Drift.Single(drift => drift.Group == "middle").Relative, Is.Zero, model.Name);
        ModelResult dense = _results.Models.Single(model => model.System == StudySystem.Dense);
        Assert.That(dense.Drift.Select(drift => drift.Relative), Has.All.GreaterThan(0));
    }

    [Test]
    public void Study_WithAStrongerPull_RemakesThatSystemOnly()
    {
        IReadOnlyList<string> made = _study.Run(_study.Config("alignment.l2_sp.middle=50")).Made;
        string[] models = ["seed-42/l2_sp-slavic", "seed-42/l2_sp-germanic"];
        Assert.That(made, Is.EquivalentTo(models.Concat(models.Select(model => $"evaluation/{model}"))));
        Assert.That(_study.Run(_study.Config()).Made, Is.EquivalentTo(made), "and back again");
    }

    [Test]
    public void Study_WithChangedText_RemakesWhatReadsIt()
    {
        string[] lines = File.ReadAllLines(_study.Text("cs"));
        File.WriteAllLines(_study.Text("cs"), lines[1..]);
        IReadOnlyList<string> made = _study.Run(_study.Config()).Made;
        File.WriteAllLines(_study.Text("cs"), lines);
        Assert.That(made, Has.Count.EqualTo(12).And.All.StartsWith("evaluation/"), "nothing trains on cs");
        Assert.That(_study.Run(_study.Config()).Made, Is.EquivalentTo(made), "and back again");
    }

    [Test]
    public void Study_WithOnly_MakesNothingElse_AndHasNoResultsYet()
    {
        StudyConfig config = _study.Config($"output_dir={_study.Path("part")}");
        (StudyResults? results, IReadOnlyList<string> made) = _study.Run(config, ["expert-slavic"]);
        Assert.That(results, Is.Null);
        Assert.That(made, Is.EqualTo((string[])["tokenizer", "seed-42/base", "seed-42/expert-slavic"]));
        Assert.That(File.Exists(Path.Combine(config.OutputDir, "report.html")), Is.False);
    }

    [Test]
    public void Study_ScoresTheTextThatItTrainsOn_WithinTheFamilysBudget()
    {
        StudyConfig config = _study.Config(
            $"output_dir={_study.Path("budget")}", "systems=[dense]", "data.packing=wrapped",
            "families.slavic.budget_tokens=1200");
        Assert.That(_study.Run(config).Results, Is.Not.Null);
        foreach (string language in Languages)
            Assert.That(
                Directory.GetFiles(Path.Combine(config.OutputDir, StudyRun.ShardFolderName), $"{language}-*.shard"),
                Has.Length.EqualTo(1), language);
    }

    [Test]
    public void Study_ThatIsStopped_EndsResumable_AndGoesOnWithTheSameResults()
    {
        StudyConfig config = _study.Config($"output_dir={_study.Path("stopped")}", "systems=[dense]");
        using (StopSignal stop = new(folder: null, _ => { }))
        {
            stop.RequestStop("SIGTERM");
            RunException? stopped = Assert.Throws<RunException>(() => _study.Run(config, stop: stop));
            Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resumable));
            Assert.That(stopped.Message, Does.Contain("SIGTERM").And.Contain("The same command goes on"));
        }

        Assert.That(_study.Run(config).Results!.Models, Has.Count.EqualTo(2));
    }

    [TestCase("")]
    [TestCase(StudyRun.ShardFolderName)]
    public void Study_ThatIsStopped_WhileAnotherProcessHasItsFolder_EndsResumable(string part)
    {
        StudyConfig config = _study.Config($"output_dir={_study.Path("waiting")}");
        using RunLock held = RunLock.Take(
            Directory.CreateDirectory(Path.Combine(config.OutputDir, part)).FullName);
        using StopSignal stop = new(folder: null, _ => { });
        stop.RequestStop("SIGTERM");
        RunException? stopped = Assert.Throws<RunException>(() => _study.Run(config, stop: stop));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resumable));
        Assert.That(stopped.Message, Does.Contain("SIGTERM while starting"));
    }

    [Test]
    public void Study_ThatIsStopped_WhileItWaitsToWriteItsResults_EndsResumable()
    {
        StudyConfig config = _study.Config($"output_dir={_study.Path("late")}", "systems=[dense]");
        Directory.CreateDirectory(config.OutputDir);
        using StopSignal stop = new(folder: null, _ => { });
        RunLock? held = null;
        var files = new FaultyFileSystem
        {
            Fault = (_, step, path) =>
            {
                if (held is not null || step != FileStep.Rename || !path.EndsWith(
                    Path.Combine("evaluation", "seed-42", "dense", "scores.json"), StringComparison.Ordinal))
                    return;
                held = RunLock.Take(config.OutputDir);
                stop.RequestStop("SIGTERM");
            },
        };
        RunException? stopped = Assert.Throws<RunException>(
            () => StudyRunner.Run(config, new StudyRun(config, stop, files, TextWriter.Null, quiet: true), []));
        held?.Dispose();
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resumable));
        Assert.That(stopped.Message, Does.Contain("SIGTERM while writing its results"));
    }

    [Test]
    public void Study_WhoseArtefactAnotherProcessMakes_IsRefused()
    {
        StudyConfig config = _study.Config($"output_dir={_study.Path("held")}", "systems=[dense]");
        Artefact first = new StudyGraph(config).Artefacts[0];
        using RunLock held = first.TakeLock();
        RunException? refused = Assert.Throws<RunException>(() => _study.Run(config));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain($"process {Environment.ProcessId}"));
    }

    [Test]
    public void Study_AsJson_SaysWhatHolds()
    {
        Call call = Call.Of("study", _study.ConfigFile, "--json");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        using JsonDocument document = JsonDocument.Parse(call.Output);
        Assert.That(
            document.RootElement.GetProperty("findings").EnumerateArray().Select(finding =>
                (finding.GetProperty("statement").GetString(), finding.GetProperty("holds").GetBoolean())),
            Is.EqualTo(StudyFinding.Of(_results).Select(finding => (finding.Statement, finding.Holds))));
        Assert.That(document.RootElement.GetProperty("models")[1].GetProperty("system").GetString(),
            Is.EqualTo("dense"));
        Call report = Call.Of("report", _study.Output, "--json");
        using JsonDocument written = JsonDocument.Parse(report.Output);
        Assert.That(written.RootElement.GetProperty("output").GetString(), Is.EqualTo(_study.Path("report.html")));
    }

    [Test]
    public void Study_WritesResultsThatItReadsBack()
    {
        StudyResults read = StudyResultsFile.Load(_study.Path(StudyResultsFile.Name));
        Assert.That(StudyResultsFile.ToJson(read).ToJsonString(),
            Is.EqualTo(StudyResultsFile.ToJson(_results).ToJsonString()));
        using JsonDocument stamp = JsonDocument.Parse(File.ReadAllText(_study.Path("seed-42/soup/.artefact.json")));
        Assert.That(stamp.RootElement.GetProperty("complete").GetBoolean(), Is.True);
    }
}
