using System.Text.Json;
using FastCpt.Engine.Files;
using FastCpt.Tests.Engine.Studies;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

/// <summary>What a study needs before it is made, and what becomes of rubbish in its folder.</summary>
public sealed class StudyFolderTests
{
    private TinyStudy _study = null!; // SetUp makes it

    [SetUp]
    public void SetUp() => _study = new TinyStudy();

    [TearDown]
    public void TearDown() => _study.Dispose();

    [Test]
    public void Study_SweepsWhatACrashLeftOfItsResults()
    {
        string leftover = Leftovers.TemporaryFor(Directory.CreateDirectory(_study.Output).FullName + "/results.json");
        File.WriteAllText(leftover, "half");
        Call call = Call.Of("study", _study.ConfigFile, "--only", "tokenizer");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        Assert.That(File.Exists(leftover), Is.False);
        Assert.That(call.Error, Does.Contain(leftover));
    }

    [Test]
    public void Tokenizer_TakesNoMoreTextThanItMay()
    {
        Call call = Call.Of(
            "study", _study.ConfigFile, "--only", "tokenizer", "--set", "tokenizer.bytes_per_language=5000");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        Assert.That(call.Error, Does.Contain("300 pieces of 5000 bytes per language"));
    }

    [Test]
    public void Plan_OfAStudy_NamesEveryRunOfIt()
    {
        Call call = Call.Of("plan", _study.ConfigFile, "--json");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        using JsonDocument document = JsonDocument.Parse(call.Output);
        JsonElement[] runs = [.. document.RootElement.GetProperty("runs").EnumerateArray()];
        Assert.That(runs.Select(run => run.GetProperty("name").GetString()), Is.EqualTo((string[])
        [
            "seed-42/base", "seed-42/dense", "seed-42/expert-slavic", "seed-42/expert-germanic",
            "seed-42/freeze-slavic", "seed-42/freeze-germanic", "seed-42/l2_sp-slavic", "seed-42/l2_sp-germanic",
        ]));
        // 6 steps of 4 rows of 32 tokens; an expert has 3, Dense as many for each of two families.
        Assert.That(runs.Take(3).Select(run => run.GetProperty("tokens").GetInt64()),
            Is.EqualTo((long[])[6 * 128, 6 * 128, 3 * 128]));
        Assert.That(runs[4].GetProperty("trained").GetInt64(), Is.LessThan(runs[2].GetProperty("trained").GetInt64()));
        Assert.That(document.RootElement.GetProperty("flops").GetDouble(),
            Is.EqualTo(runs.Sum(run => run.GetProperty("flops").GetDouble())).Within(1e-9).Percent);
        Assert.That(Directory.Exists(_study.Output), Is.False, "nothing is made");
        Assert.That(Call.Of("plan", _study.ConfigFile).Output, Does.Contain("seed-42/l2_sp-germanic"));
    }
}
