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
}
