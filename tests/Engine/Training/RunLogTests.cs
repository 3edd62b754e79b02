using System.Text.Json;
using FastCpt.Engine.Training;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

public sealed class RunLogTests
{
    [TestCase("")]
    [TestCase("{\"step\":1}\n")]
    [TestCase("{\"step\":1}\n{\"step\":2,\"lo")]
    [TestCase("{\"st")]
    public void Metrics_AfterACrashInALine_AreWholeLines(string before)
    {
        using var folder = new TestFolder();
        string path = folder.At("metrics.jsonl");
        File.WriteAllText(path, before);
        using (var log = new RunLog(folder.Path, "run", attempt: 2, TextWriter.Null))
            log.Write("step", 3, 300, [("loss", 2.5)]);
        string[] lines = File.ReadAllLines(path);
        Assert.That(lines, Has.Length.EqualTo(before.Count(c => c == '\n') + 1));
        foreach (string line in lines)
            Assert.That(() => JsonDocument.Parse(line).Dispose(), Throws.Nothing, line);
        Assert.That(lines[^1], Does.Contain("\"step\":3"));
    }

    [Test]
    public void Log_WithoutProgress_SaysAllButSteps_AndRecordsThem([Values] bool showsProgress)
    {
        using var folder = new TestFolder();
        using var console = new StringWriter { NewLine = "\n" };
        using (var log = new RunLog(folder.Path, "run", 1, console, quiet: false, showsProgress))
        {
            log.Say("saved step 5");
            log.Step(new StepReport
            {
                Step = 5, Tokens = 50, LossNats = 2, GradientNorm = 1, LearningRate = 1e-3, TokensPerSecond = 10,
                Utilization = double.NaN, PeakMemoryBytes = 1 << 20, DataShare = 0, Remaining = TimeSpan.Zero,
            });
        }

        string[] lines = console.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines.Select(line => line.Split("  ")[0]),
            Is.EqualTo(showsProgress ? (string[])["saved step 5", "step 5"] : ["saved step 5"]));
        Assert.That(File.ReadAllText(folder.At("metrics.jsonl")), Does.Contain("\"step\":5"));
    }
}
