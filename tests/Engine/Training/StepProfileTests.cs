using System.Text.Json;
using FastCpt.Engine.Config;
using FastCpt.Engine.Training;
using FastCpt.Kernels;

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
    }

    [Test]
    public void StepThatIsPassedOver_IsNeitherInTheTableNorInTheTrace()
    {
        using var runs = new TinyRun();
        using Backend backend = Backends.Open("cpu", threads: 1);
        RunConfig config = runs.Config("skipping");
        config = config with { Training = config.Training with { OnNonfinite = NonFinitePolicy.Skip } };
        using var console = new StringWriter();
        runs.Train(config, console: console, profile: true, faults: new SpoiledStep(
            backend, FaultSite.Loss, double.NaN, step => step == 4, times: 1));
        Assert.That(console.ToString(), Does.Contain("passed over").And.Contain("profile of 3 steps"));
        using JsonDocument trace = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(runs.Path("skipping"), "trace", "steps-00000003-00000005.json")));
        JsonElement[] events = [.. trace.RootElement.GetProperty("traceEvents").EnumerateArray()];
        (double Start, double End)[] steps = [.. events.Where(e => Has(e, "step")).Select(Span)];
        foreach ((double start, double end) in events.Where(e => Has(e, "op")).Select(Span))
            Assert.That(
                steps.Any(step => step.Start <= start && end <= step.End + 0.01), $"an op at {start} is in no step");
    }

    [Test]
    public void TraceThatCannotBeWritten_IsAWarning()
    {
        using var runs = new TinyRun();
        string trace = Path.Combine(runs.Path("blocked"), "trace");
        using var console = new LineWriter("step 1 ", () => File.WriteAllText(trace, "a file"));
        runs.Train(runs.Config("blocked"), console: console, profile: true);
        Assert.That(console.ToString(), Does.Match("warning: .*steps-00000003-00000005.json: the trace is not"));
        Assert.That(runs.Weights("blocked"), Is.Not.Empty);
    }

    private static bool Has(JsonElement e, string category) => e.GetProperty("cat").GetString() == category;

    /// <summary>In microseconds.</summary>
    private static (double Start, double End) Span(JsonElement e) =>
        (e.GetProperty("ts").GetDouble(), e.GetProperty("ts").GetDouble() + e.GetProperty("dur").GetDouble());
}
