using System.Text.Json;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

public sealed class EvalLlama2cTests
{
    /// <summary>The model tells stories: what it was trained on costs it about two bits a byte, not eight.</summary>
    [Test, Category("slow")]
    public void Eval_ScoresAModelOfLlama2c()
    {
        string weights = TestData.Path("weights/stories260K/stories260K.bin");
        string tokenizer = TestData.Path("weights/stories260K/tok512.bin");
        using var folder = new TestFolder();
        File.WriteAllLines(folder.At("en.jsonl"), Enumerable.Range(0, 40).Select(i => $$"""
            {"text": "Once upon a time, there was a little girl named Lily. She had {{i}} red balls and loved to play."}
            """));
        File.WriteAllText(folder.At("run.yaml"), $$"""
            output_dir: out
            device: cpu
            model: {path: {{folder.Path}}}
            tokenizer: {{tokenizer}}
            data:
              max_seq_length: 64
              validation_share: 0.5
              languages:
                en: {files: [en.jsonl]}
            training: {max_steps: 1}

            """);
        Call call = Call.Of("eval", folder.At("run.yaml"), "--model", weights, "--json");
        Assert.That(call.Code, Is.EqualTo(ExitCode.Done), call.Error);
        using JsonDocument scores = JsonDocument.Parse(call.Output);
        JsonElement score = scores.RootElement.GetProperty("languages")[0];
        Assert.That(score.GetProperty("bits_per_byte").GetDouble(), Is.InRange(0.1, 2.5));
    }
}
