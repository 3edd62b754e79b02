using FastCpt.Engine.Benchmarks;

namespace FastCpt.Tests.Engine.Benchmarks;

public sealed class PairedTimesTests
{
    [Test]
    public void Ratio_IsTheMedianOverPairs_NotTheRatioOfMedians()
    {
        PairedTimes times = new([1, 10, 100], [2, 15, 110]);
        Assert.That(times.Ratio, Is.EqualTo(1.5));
        Assert.That(times.HeadMedian / times.BaseMedian, Is.EqualTo(1.5));
        Assert.That(new PairedTimes([1, 10, 100, 1000], [1, 20, 300, 1000]).Ratio, Is.EqualTo(1.5));
    }

    [Test]
    public void Interval_HoldsTheRatio_IsTheSameForTheSameSeed_AndOnePointWithoutNoise()
    {
        double[] head = [1.0, 1.2, 0.9, 1.1, 1.3, 1.0, 1.1, 1.2, 0.8];
        PairedTimes times = new([.. head.Select(_ => 1.0)], head);
        (double low, double high) = times.Interval();
        Assert.That(low, Is.LessThan(times.Ratio));
        Assert.That(high, Is.GreaterThan(times.Ratio));
        Assert.That(times.Interval(), Is.EqualTo((low, high)));
        Assert.That(new PairedTimes([1, 2, 4], [2, 4, 8]).Interval(), Is.EqualTo((2.0, 2.0)));
    }

    /// <summary>U = 25 of 25, mean 12.5, variance 5·5·11/12: z = 12 / √22.917 = 2.5067, beyond which 0.006093 of a
    /// normal distribution lies.</summary>
    [Test]
    public void SlowerByChance_IsTheNormalApproximation()
    {
        Assert.That(
            new PairedTimes([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]).SlowerByChance(), Is.EqualTo(0.006093).Within(1e-6));
        Assert.That(new PairedTimes([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]).SlowerByChance(), Is.GreaterThan(0.99));
        Assert.That(new PairedTimes([1, 1, 1], [1, 1, 1]).SlowerByChance(), Is.EqualTo(1));
    }

    [Test]
    public void SeveralPeaks_AreSeen_AndNoiseIsNotTakenForThem()
    {
        Assert.That(new PairedTimes([1, 1.01, 1.02, 1.5, 1.51], [1, 1, 1, 1, 1]).HasSeveralPeaks, Is.True);
        Assert.That(new PairedTimes([1, 1.1, 1.2, 1.3, 1.4], [1, 1, 1, 1, 1]).HasSeveralPeaks, Is.False);
        Assert.That(new PairedTimes([1, 1, 1, 1, 1, 5], [1, 1, 1, 1, 1, 1]).HasSeveralPeaks, Is.False, "an outlier");
        Assert.That(
            new PairedTimes([1, 1.01, 1.02, 1.5, 1.51], [1.1, 1.11, 1.12, 1.65, 1.66]).HasSeveralPeaks, Is.False,
            "a state of both");
    }
}
