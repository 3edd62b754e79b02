using FastCpt.Engine.Training;

namespace FastCpt.Tests.Engine.Training;

internal sealed class ScheduleTests
{
    [TestCase(5e-5, 500, 50_000)]
    [TestCase(2e-5, 200, 16_954)]
    public void Fact21_Cosine_RisesFromZeroToThePeak_AndFallsToZero(double peak, long warmup, long total)
    {
        var schedule = new Schedule(ScheduleKind.Cosine, peak, 0, warmup, total);
        Assert.That(schedule.At(0), Is.EqualTo(0));
        Assert.That(schedule.At(warmup / 2), Is.EqualTo(peak / 2).Within(1e-12));
        Assert.That(schedule.At(warmup), Is.EqualTo(peak));
        Assert.That(schedule.At(warmup + (total - warmup) / 2), Is.EqualTo(peak / 2).Within(1e-4 * peak));
        Assert.That(schedule.At(total), Is.EqualTo(0).Within(1e-20));
    }

    [Test]
    public void WarmupStableDecay_HoldsThePeak_ThenFallsInALine()
    {
        var schedule = new Schedule(ScheduleKind.WarmupStableDecay, 1, 0.1, 10, 100, DecaySteps: 20);
        Assert.That(schedule.At(79), Is.EqualTo(1));
        Assert.That(schedule.At(90), Is.EqualTo(0.55).Within(1e-12));
        Assert.That(schedule.At(100), Is.EqualTo(0.1).Within(1e-12));
    }

    [Test]
    public void LinearAndConstant_DoWhatTheirNamesSay()
    {
        Assert.That(new Schedule(ScheduleKind.Linear, 2, 1, 0, 4).At(1), Is.EqualTo(1.75));
        Assert.That(new Schedule(ScheduleKind.Constant, 2, 0, 0, 4).At(4), Is.EqualTo(2));
    }

    [Test]
    public void Fact23_EarlyStopping_CountsEvaluationsWithoutAClearImprovement()
    {
        var early = new EarlyStopping(patience: 6, threshold: 0.005);
        early.Observe(2.0);
        for (int i = 1; i <= 5; i++)
            early.Observe(2.0 - 0.001 * i);
        Assert.That(early.ShouldStop, Is.False);
        Assert.That(early.Best, Is.EqualTo(1.995), "the best moves on any improvement");
        early.Observe(1.9901);
        Assert.That(early.ShouldStop, Is.True, "the sixth in a row below the threshold");
    }

    [Test]
    public void Fact23_AClearImprovement_StartsTheCountAgain()
    {
        var early = new EarlyStopping(patience: 2, threshold: 0.005);
        early.Observe(2.0);
        early.Observe(2.1);
        early.Observe(1.9);
        Assert.That(early.Misses, Is.EqualTo(0));
        early.Observe(1.9);
        early.Observe(1.9);
        Assert.That(early.ShouldStop, Is.True);
    }
}
