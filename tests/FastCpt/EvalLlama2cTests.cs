using System.Text.Json;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

/// <summary>A model of llama2.c, scored to the end and cut short.</summary>
public sealed class EvalLlama2cTests
{
    private TestFolder _folder = null!; // SetUp makes it

    /// <summary>Text as the model was trained on, twice.</summary>
    [SetUp]
    public void SetUp()
    {
        _folder = new TestFolder();
        foreach (string language in new[] { "en", "fr" })
            File.WriteAllLines(_folder.At($"{language}.jsonl"), Enumerable.Range(0, 40).Select(i => $$"""
                {"text": "Once upon a time, there was a little girl named Lily. She had {{i}} balls and loved to play."}
                """));
        File.WriteAllText(_folder.At("run.yaml"), $$"""
            output_dir: out
            device: cpu
            model: {path: {{_folder.Path}}}
            tokenizer: {{TestData.Path("weights/stories260K/tok512.bin")}}
            data:
              max_seq_length: 64
              validation_share: 0.5
              languages:
                en: {files: [en.jsonl]}
                fr: {files: [fr.jsonl]}
            training: {max_steps: 1}

            """);
    }

    [TearDown]
    public void TearDown() => _folder.Dispose();

    /// <summary>What it was trained on costs it some two bits a byte, not eight.</summary>
    [Test, Category("slow")]
    public void Eval_ScoresAModelOfLlama2c()
    {
        (ExitCode code, JsonElement scores, string error) = Eval(new CommonOptions());
        Assert.That(code, Is.EqualTo(ExitCode.Done), error);
        Assert.That(scores.GetProperty("complete").GetBoolean(), Is.True);
        foreach (JsonElement score in scores.GetProperty("languages").EnumerateArray())
            Assert.That(score.GetProperty("bits_per_byte").GetDouble(), Is.InRange(0.1, 2.5));
    }

    [Test, Category("slow")]
    public void Fault_P1_EvalThatIsStopped_ShowsAPart_AndSaysSo()
    {
        int polls = 0, last = 0;
        StopSignal? stop = null;
        var options = new CommonOptions
        {
            Listen = _ => stop = new StopSignal(null, _ => { })
            {
                OnPoll = () =>
                {
                    if (++polls == last)
                        stop!.RequestStop("SIGTERM"); // not null: it is what polls
                },
            },
        };
        Eval(options);
        (last, polls) = (polls, 0);
        (ExitCode code, JsonElement scores, string error) = Eval(options);
        // Shards are made by then, so that fewer polls may come; the last of them is never reached.
        Assert.That(code, Is.EqualTo(ExitCode.Done), error);
        (last, polls) = (polls, 0);
        (code, scores, error) = Eval(options);
        Assert.That(code, Is.EqualTo(ExitCode.Terminated), error);
        Assert.That(scores.GetProperty("complete").GetBoolean(), Is.False);
        Assert.That(scores.GetProperty("languages").EnumerateArray().Select(
            score => score.GetProperty("language").GetString()), Is.EqualTo((string[])["en"]));
        Assert.That(error, Does.Contain("SIGTERM after 1 of 2 languages"));
    }

    private (ExitCode Code, JsonElement Scores, string Error) Eval(CommonOptions options)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = CommandLine.Run(
            ["eval", _folder.At("run.yaml"), "--model", TestData.Path("weights/stories260K/stories260K.bin"), "--json"],
            output, error, options);
        using JsonDocument scores = JsonDocument.Parse(output.ToString());
        return ((ExitCode)code, scores.RootElement.Clone(), error.ToString());
    }
}
