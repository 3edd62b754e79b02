using FastCpt.Engine.Config;
using FastCpt.Engine.Training;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Planted spikes are found, and what a healthy run does is not one.</summary>
internal sealed class DivergenceWatchTests
{
    [Test]
    public void Watch_FindsALossFarAboveTheLast128_AndNamesIt()
    {
        var watch = new DivergenceWatch(new DivergenceConfig { ZScore = 6 });
        for (int step = 0; step < DivergenceWatch.WindowSteps; step++)
            Assert.That(watch.Observe(Usual(3, step), Usual(1, step)), Is.Null, $"step {step}");
        Assert.That(watch.Observe(3.2, 1), Is.Null, "two deviations are nothing");
        Assert.That(watch.Observe(5, 1), Does.Contain("loss 5").And.Contain("standard deviations above the mean 3"));
        Assert.That(watch.Observe(1, 1), Is.Null, "a loss far below is no divergence");
        Assert.That(watch.Observe(3, 4), Does.Contain("gradient norm 4"));
    }

    [Test]
    public void Watch_SaysNothing_BeforeItsWindowIsFull()
    {
        var watch = new DivergenceWatch(new DivergenceConfig());
        for (int step = 0; step < DivergenceWatch.WindowSteps - 1; step++)
            watch.Observe(Usual(3, step), 1);
        Assert.That(watch.Observe(1e6, 1e6), Is.Null);
        Assert.That(watch.Losses, Has.Count.EqualTo(DivergenceWatch.WindowSteps));
    }

    [Test]
    public void Watch_TakesANewLevelForUsual_OnceTheWindowHasSeenIt()
    {
        var watch = new DivergenceWatch(new DivergenceConfig());
        for (int step = 0; step < DivergenceWatch.WindowSteps; step++)
            watch.Observe(Usual(3, step), 1);
        Assert.That(watch.Observe(6, 1), Is.Not.Null);
        for (int step = 0; step < DivergenceWatch.WindowSteps; step++)
            watch.Observe(Usual(6, step), 1);
        Assert.That(watch.Observe(6.1, 1), Is.Null);
    }

    [Test]
    public void Watch_CountsStepsInARowAboveTheThreshold()
    {
        var watch = new DivergenceWatch(new DivergenceConfig { LossThreshold = 4, Patience = 3 });
        double[] losses = [5, 5, 3, 5, 5, 4, 5, 5, 5, 5, 5, 5];
        bool[] found = [.. losses.Select(loss => watch.Observe(loss, 1) is not null)];
        Assert.That(found, Is.EqualTo(losses.Select((_, step) => step is 8 or 11)));
    }

    [Test]
    public void Watch_ThatIsOff_SaysNothing_ButKeepsTheLosses()
    {
        var watch = new DivergenceWatch(new DivergenceConfig
        {
            Action = DivergenceAction.Off, LossThreshold = 1, Patience = 1,
        });
        Assert.That(watch.Observe(9, 9), Is.Null);
        Assert.That(watch.Losses, Is.EqualTo(new[] { 9.0 }));
    }

    [Test]
    public void Watch_ThatGoesOnFromACheckpoint_JudgesAlike()
    {
        var config = new DivergenceConfig { LossThreshold = 2.5, Patience = 130 };
        DivergenceWatch whole = new(config), resumed = new(config);
        for (int step = 0; step < DivergenceWatch.WindowSteps; step++)
            whole.Observe(Usual(3, step), Usual(1, step));
        using var stream = new MemoryStream();
        using (var json = new System.Text.Json.Utf8JsonWriter(stream))
            new TrainingProgress
            {
                RecentLosses = [.. whole.Losses], RecentNorms = [.. whole.Norms], StepsAbove = whole.StepsAbove,
            }.Write(json);
        using var document = System.Text.Json.JsonDocument.Parse(stream.ToArray());
        resumed.Restore(TrainingProgress.Read(document.RootElement, "a test"));
        Assert.That(resumed.Losses, Is.EqualTo(whole.Losses));
        foreach (double loss in new[] { 3.1, 3, 9 })
            Assert.That(resumed.Observe(loss, 1), Is.EqualTo(whole.Observe(loss, 1)));
    }

    /// <summary>Between 0.9 and 1.1 of a level, with no trend.</summary>
    private static double Usual(double level, int step) => level * (1 + (step * 37 % 21 - 10) / 100.0);
}
