using FastCpt.Engine.Training;

namespace FastCpt.Tests.Engine.Training;

public sealed class StepClockTests
{
    /// <summary>Two steps of 3 s each, and a save of 60 s between them.</summary>
    [Test]
    public void StepTime_LeavesOutWhatIsNotTraining()
    {
        var time = new ToldTime();
        var clock = new StepClock(double.NaN, maxWallMinutes: 0, time);
        // Only its counts are read, which are 0.
        var step = new StepGradient(null!, null!, null!, null!, null!, recompute: false, seed: 0, null!);
        clock.Start();
        time.Seconds += 3;
        clock.Add(step);
        time.Seconds += 60;
        clock.Pause(TimeSpan.FromSeconds(60));
        time.Seconds += 3;
        clock.Add(step);
        StepReport report = clock.Report(new TrainingProgress { Step = 2 }, 1, double.NaN, 1, 1, totalSteps: 12);
        Assert.That(report.Remaining, Is.EqualTo(TimeSpan.FromSeconds(30)));
    }

    [Test]
    public void Limit_CountsEverything()
    {
        var time = new ToldTime();
        var clock = new StepClock(double.NaN, maxWallMinutes: 1, time);
        clock.Start();
        time.Seconds += 50;
        clock.Pause(TimeSpan.FromSeconds(50));
        Assert.That(clock.IsPastLimit, Is.False);
        clock.Saved(TimeSpan.FromSeconds(6));
        Assert.That(clock.IsPastLimit, Is.True, "two saves of 6 s do not fit in the 10 s that are left");
    }

    private sealed class ToldTime : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Seconds * TimeSpan.TicksPerSecond;
    }
}
