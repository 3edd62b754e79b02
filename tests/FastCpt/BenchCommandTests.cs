using FastCpt.Engine.Benchmarks;

namespace FastCpt.Tests;

public sealed class BenchCommandTests
{
    private static readonly PairedTimes Times = new([1e-3, 1e-3], [2e-3, 2e-3]);

    [Test]
    public void Line_OfChangedCounts_ShowsBoth_WithTimesOrWithout([Values] bool timed)
    {
        string line = BenchCommand.Line(new BenchResult(
            "Rope.Forward", BenchVerdict.CountersChanged, timed ? Times : null, new(0, 10, 20), new(24, 10, 20)));
        Assert.That(line, Does.Contain("Rope.Forward").And.Contain("AllocatedBytes = 0")
            .And.Contain("AllocatedBytes = 24"));
        Assert.That(line.Contains("1 ms, then 2 ms"), Is.EqualTo(timed));
    }

    [Test]
    public void Line_OfEqualCounts_ShowsNone() => Assert.That(
        BenchCommand.Line(new BenchResult("Rope.Forward", BenchVerdict.Same, Times, new(0, 1, 2), new(0, 1, 2))),
        Does.Contain("2.000 [2.000, 2.000] of 2 pairs").And.Not.Contain("Allocated"));
}
