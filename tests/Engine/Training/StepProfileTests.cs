using System.Text.Json;

namespace FastCpt.Tests.Engine.Training;

/// <summary>A profiled run is the same run, and says where its time went.</summary>
[Category("slow")]
internal sealed class StepProfileTests
{
    [Test]
    public void ProfiledRun_HasTheSameWeights_AndWritesATableAndATrace()
    {
        using var runs = new TinyRun();
        runs.Train(runs.Config("plain"));
        var console = new StringWriter();
        runs.Train(runs.Config("profiled"), console: console, profile: true);
        Assert.That(runs.Weights("profiled"), Is.EqualTo(runs.Weights("plain")));
        string table = console.ToString();
        foreach (string expected in (string[])["profile of 3 steps", "LinearBackward", "layer 0", "head", "optimizer"])
            Assert.That(table, Does.Contain(expected));
        using JsonDocument trace = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(runs.Path("profiled"), "trace", "steps-00000003-00000005.json")));
        JsonElement[] events = [.. trace.RootElement.GetProperty("traceEvents").EnumerateArray()];
        Assert.That(Count("step"), Is.EqualTo(3));
        Assert.That(Count("op"), Is.GreaterThan(100));
        double[] ops = [.. events.Where(e => Has(e, "op")).Select(e => e.GetProperty("ts").GetDouble())];
        Assert.That(ops, Is.Ordered);
        JsonElement whole = events.First(e => Has(e, "step"));
        double end = whole.GetProperty("ts").GetDouble() + whole.GetProperty("dur").GetDouble();
        double inStep = events.Where(e => Has(e, "op") && e.GetProperty("ts").GetDouble() < end)
            .Sum(e => e.GetProperty("dur").GetDouble());
        Assert.That(inStep, Is.LessThanOrEqualTo(whole.GetProperty("dur").GetDouble()), "ops lie within their step");

        int Count(string category) => events.Count(e => Has(e, category));
        static bool Has(JsonElement e, string category) => e.GetProperty("cat").GetString() == category;
    }
}
