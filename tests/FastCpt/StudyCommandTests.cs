using System.Globalization;
using System.Text.Json;
using FastCpt.Engine.Files;
using FastCpt.Tests.Engine.Studies;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

/// <summary>study, report, eval, plan and train from the command line, on one small study.</summary>
[Category("slow")]
internal sealed class StudyCommandTests
{
    private const string Dense = "systems=[dense]";

    private TinyStudy _study = null!; // SetUp makes it
    private Call _made = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        _study = new TinyStudy();
        _made = Call.Of("study", _study.ConfigFile, "--set", Dense, "--json");
        Assert.That(_made.Code, Is.EqualTo(ExitCode.Done), _made.Error);
        WriteRun();
    }

    [OneTimeTearDown]
    public void TearDown() => _study.Dispose();

    private string Run => _study.Path("run.yaml");

    private string Model => _study.Path("seed-42/dense/final");

    [Test]
    public void Study_WritesOneJsonDocument_AndProgressToStderr()
    {
        using JsonDocument results = JsonDocument.Parse(_made.Output);
        Assert.That(results.RootElement.GetProperty("models").GetArrayLength(), Is.EqualTo(2));
        Assert.That(_made.Error, Does.Contain("made seed-42/dense in "));
    }

    [Test]
    public void Study_RunAgain_ShowsTableFindingsAndReport()
    {
        Call again = Call.Of("study", _study.ConfigFile, "--set", Dense);
        string[] lines = again.Output.TrimEnd().Split('\n');
        Assert.That(again.Error, Does.Contain("tiny: up to date, "));
        Assert.That(lines[0], Does.StartWith("bits per byte"));
        Assert.That(lines[2], Does.StartWith("Dense"));
        Assert.That(lines[3], Does.Match("^(yes|no )  Learning: "));
        Assert.That(lines[^1], Is.EqualTo(_study.Path("report.html")));
        Assert.That(Call.Of("study", _study.ConfigFile, "--set", Dense, "--quiet").Error, Is.Empty);
    }

    [Test]
    public void Study_WithOnly_SaysThatThereAreNoResultsYet()
    {
        string[] call = ["study", _study.ConfigFile, "--set", Dense, "--set", $"output_dir={_study.Path("part")}",
            "--only", "tokenizer"];
        Call text = Call.Of(call), json = Call.Of([.. call, "--json"]);
        Assert.That(text.Output, Is.Empty);
        Assert.That(text.Error, Does.Contain("no results yet"));
        using JsonDocument document = JsonDocument.Parse(json.Output);
        Assert.That(document.RootElement.GetProperty("complete").GetBoolean(), Is.False);
    }

    [TestCase(ExitCode.Usage, "such artefact", "--only", "nothing")]
    [TestCase(ExitCode.Usage, "Did you mean", "--set", "sistems=[dense]")]
    [TestCase(ExitCode.Config, "output", "--set", "output_dir=/dev/null/x")]
    public void Study_Refused_HasTheRightCode(ExitCode code, string reason, params string[] options)
    {
        Call call = Call.Of(["study", _study.ConfigFile, .. options]);
        Assert.That(call.Code, Is.EqualTo(code), call.Error);
        Assert.That(call.Error, Does.Contain(reason));
        Assert.That(call.Output, Is.Empty);
    }

    [Test]
    public void Report_WritesTheFileThatTheStudyWrote()
    {
        string file = _study.Path("again.html");
        Call call = Call.Of("report", _study.Output, "-o", file);
        Assert.That((call.Code, call.Output), Is.EqualTo((ExitCode.Done, file + "\n")), call.Error);
        Assert.That(File.ReadAllBytes(file), Is.EqualTo(File.ReadAllBytes(_study.Path("report.html"))));
        Call again = Call.Of("report", _study.Path("results.json"), "-o", file, "--json");
        using JsonDocument json = JsonDocument.Parse(again.Output);
        Assert.That(json.RootElement.GetProperty("output").GetString(), Is.EqualTo(file));
    }

    [Test]
    public void Report_OfWhatIsNoStudy_EndsWith3()
    {
        Assert.That(Call.Of("report", _study.Path("absent")).Code, Is.EqualTo(ExitCode.Config));
        File.WriteAllText(_study.Path("other.json"), "{}");
        Assert.That(Call.Of("report", _study.Path("other.json")).Code, Is.EqualTo(ExitCode.Config));
    }

    [Test]
    public void Eval_ScoresAModelAsTheStudyDoes()
    {
        Call call = Call.Of("eval", Run, "--model", Model, "--max-documents", "2", "--json");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        using JsonDocument scores = JsonDocument.Parse(call.Output), results = JsonDocument.Parse(_made.Output);
        JsonElement studied = results.RootElement.GetProperty("models")[1].GetProperty("languages");
        foreach (JsonElement score in scores.RootElement.GetProperty("languages").EnumerateArray())
        {
            JsonElement same = studied.EnumerateArray().Single(
                result => result.GetProperty("language").GetString() == score.GetProperty("language").GetString());
            foreach (string key in new[] { "bits_per_byte", "perplexity", "tokens", "bytes" })
                Assert.That(score.GetProperty(key).GetDouble(), Is.EqualTo(same.GetProperty(key).GetDouble()), key);
        }

        Assert.That(scores.RootElement.GetProperty("languages").GetArrayLength(), Is.EqualTo(2));
        Assert.That(scores.RootElement.GetProperty("complete").GetBoolean(), Is.True);
        string[] lines = Call.Of("eval", Run, "--model", Model).Output.TrimEnd().Split('\n');
        Assert.That(lines[0], Does.StartWith("language  bits/byte"));
        Assert.That(lines[1..].Select(line => line[..2]), Is.EqualTo((string[])["en", "hr"]));
    }

    [Test]
    public void Eval_WithoutAModel_EndsWith4()
    {
        Call call = Call.Of("eval", Run, "--set", $"output_dir={_study.Path("never")}");
        Assert.That(call.Code, Is.EqualTo(ExitCode.ModelFile), call.Error);
        Assert.That(call.Error, Does.Contain(_study.Path("never")));
    }

    [Test]
    public void Plan_CountsParametersStepsAndTokens_AndStartsNothing()
    {
        Call call = Call.Of("plan", Run, "--json", "--set", $"output_dir={_study.Path("planned")}");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        using JsonDocument plan = JsonDocument.Parse(call.Output);
        long Number(string name) => plan.RootElement.GetProperty(name).GetInt64();
        Assert.That(Number("parameters"), Is.EqualTo(Number("trained")).And.GreaterThan(300 * 16));
        Assert.That(Number("steps"), Is.EqualTo(5));
        Assert.That(Number("tokens"), Is.EqualTo(5 * 4 * 32));
        Assert.That(Number("checkpoints_bytes"), Is.EqualTo(6 * Number("checkpoint_bytes")), "5 and a new one");
        Assert.That(plan.RootElement.GetProperty("seconds_at_peak").GetDouble(), Is.Positive);
        Assert.That(Directory.Exists(_study.Path("planned")), Is.False);
        string text = Call.Of("plan", Run).Output;
        foreach (string line in new[] { "parameters", "memory", "disk", "work", "time" })
            Assert.That(text, Does.Contain(line));
    }

    [Test]
    public void Train_WritesWhereTheModelIs_AndIsDoneTheSecondTime()
    {
        string[] call = ["train", Run, "--set", $"output_dir={_study.Path("trained")}", "--quiet", "--json"];
        foreach (bool wasDone in new[] { false, true })
        {
            Call trained = Call.Of(call);
            Assert.That((trained.Code, trained.Error), Is.EqualTo((ExitCode.Done, "")));
            using JsonDocument result = JsonDocument.Parse(trained.Output);
            Assert.That(result.RootElement.GetProperty("output").GetString(), Is.EqualTo(_study.Path("trained/final")));
            Assert.That(result.RootElement.GetProperty("was_done").GetBoolean(), Is.EqualTo(wasDone));
        }
    }

    [Test]
    public void TokenizeTrain_OnTheStudysTexts_IsTheStudysTokenizer()
    {
        string[] texts = [.. new[] { "en", "hr", "ru", "nl" }.Select(_study.Text)];
        Call call = Call.Of(["tokenize", "train", .. texts, "--vocabulary-size", "300", "--validation-share", "0.2",
            "-o", _study.Path("tokenizer-again")]);
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        Assert.That(File.ReadAllBytes(_study.Path("tokenizer-again/tokenizer.json")),
            Is.EqualTo(File.ReadAllBytes(_study.Path("tokenizer/tokenizer.json"))));
        Assert.That(Call.Of(["tokenize", "train", .. texts, "--vocabulary-size", "300", "--validation-share", "1",
            "-o", _study.Path("none")]).Code, Is.EqualTo(ExitCode.Usage));
    }

    /// <summary>A run on two of the study's languages, from its base.</summary>
    private void WriteRun() => File.WriteAllText(Run, string.Create(CultureInfo.InvariantCulture, $$"""
        output_dir: scored
        device: cpu
        threads: 1
        model: {path: {{_study.Path("seed-42/base/final")}}}
        tokenizer: {{_study.Path("tokenizer")}}
        data:
          max_seq_length: 32
          validation_share: 0.2
          languages:
            en: {files: ["{{_study.Text("en")}}"]}
            hr: {files: ["{{_study.Text("hr")}}"]}
        training: {max_steps: 5, batch_size: 4, eval_steps: 0, save_steps: 0}

        """));
}
