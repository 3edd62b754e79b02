using FastCpt.Engine.Benchmarks;
using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Benchmarks;

public sealed class BenchComparisonTests
{
    private const double Call = 1e-3;

    [Test]
    public void Alike_RaisesNoAlarmInAHundred()
    {
        BenchVerdict[] verdicts = [.. Enumerable.Range(0, 100).Select(seed => Compare(
            new FakeBench(seed, (random, _) => FakeBench.Noisy(random, Call)),
            new FakeBench(1000 + seed, (random, _) => FakeBench.Noisy(random, Call))).Verdict)];
        Assert.That(verdicts, Has.None.EqualTo(BenchVerdict.Slower));
    }

    [Test]
    public void Alike_InProcessesThatAreNot_RaisesNoAlarmInAHundred()
    {
        BenchVerdict[] verdicts = [.. Enumerable.Range(0, 100).Select(
            seed => Compare(Of(seed), Of(1000 + seed)).Verdict)];
        Assert.That(verdicts, Has.None.EqualTo(BenchVerdict.Slower));

        static FakeBench Of(int seed) => new(seed, (random, _) => FakeBench.Noisy(random, Call))
        {
            OfAProcess = random => 1 + 0.25 * random.NextDouble(),
        };
    }

    [Test]
    public void TenPercentSlower_IsFound_AndNamed()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            FakeBench head = new(1000 + seed, (random, _) => FakeBench.Noisy(random, 1.1 * Call));
            BenchResult result = Compare(new FakeBench(seed, (random, _) => FakeBench.Noisy(random, Call)), head);
            Assert.That(result.Verdict, Is.EqualTo(BenchVerdict.Slower), $"seed {seed}");
            Assert.That(result.Name, Is.EqualTo(FakeBench.Case));
            Assert.That(result.Times!.Ratio, Is.EqualTo(1.1).Within(0.03));
            Assert.That(head.Samples, Is.EqualTo(1 + 5 * (15 + 30)), "twice the pairs confirm, of five parts each");
            Assert.That(head.Starts, Is.EqualTo(5 + 10), "of three pairs a process");
        }
    }

    [Test]
    public void TenPercentSlower_InProcessesThatDiffer_IsNeverTheSame()
    {
        BenchVerdict[] verdicts = [.. Enumerable.Range(0, 20).Select(
            seed => Compare(Of(seed, Call), Of(1000 + seed, 1.1 * Call)).Verdict)];
        Assert.That(verdicts, Has.None.EqualTo(BenchVerdict.Same));
        Assert.That(verdicts.Count(one => one == BenchVerdict.Slower), Is.GreaterThan(10), "few are inconclusive");

        static FakeBench Of(int seed, double seconds) => new(seed, (random, _) => FakeBench.Noisy(random, seconds))
        {
            OfAProcess = random => 1 + 0.1 * random.NextDouble(),
        };
    }

    [Test]
    public void FewestPairs_CanStillDecide()
    {
        FakeBench head = new(1001, (random, _) => FakeBench.Noisy(random, 1.1 * Call));
        BenchResult result = Compare(
            new FakeBench(1, (random, _) => FakeBench.Noisy(random, Call)), head,
            new BenchSettings(BenchSettings.LeastPairs));
        Assert.That(result.Verdict, Is.EqualTo(BenchVerdict.Slower));
        Assert.That(head.Starts, Is.EqualTo(3 + 10));
    }

    [Test]
    public void TenPercentOfSixMicroseconds_IsFound()
    {
        BenchResult result = Compare(
            new FakeBench(1, (random, _) => FakeBench.Noisy(random, 6e-6)),
            new FakeBench(2, (random, _) => FakeBench.Noisy(random, 6.6e-6)));
        Assert.That(result.Verdict, Is.EqualTo(BenchVerdict.Slower));
    }

    [Test]
    public void SlowForAWhile_IsNotConfirmed()
    {
        BenchResult result = Compare(
            new FakeBench(1, (random, _) => FakeBench.Noisy(random, Call)),
            new FakeBench(2, (random, sample) => FakeBench.Noisy(random, (sample < 76 ? 1.3 : 1) * Call)));
        Assert.That(result.Verdict, Is.EqualTo(BenchVerdict.Same));
    }

    [Test]
    public void TwoStatesOfTheMachine_AreInconclusive()
    {
        int processes = 0;
        BenchResult result = Compare(
            new FakeBench(1, (random, _) => Call),
            new FakeBench(2, (random, _) => Call) { OfAProcess = _ => ++processes % 2 == 0 ? 1.6 : 1.1 });
        Assert.That(result.Verdict, Is.EqualTo(BenchVerdict.Inconclusive));
    }

    [Test]
    public void Faster_IsSaid()
    {
        BenchResult result = Compare(
            new FakeBench(1, (random, _) => FakeBench.Noisy(random, Call)),
            new FakeBench(2, (random, _) => FakeBench.Noisy(random, 0.8 * Call)));
        Assert.That(result.Verdict, Is.EqualTo(BenchVerdict.Faster));
    }

    [Test]
    public void BelowTheFloor_IsTheSame()
    {
        BenchResult result = Compare(
            new FakeBench(1, (random, _) => FakeBench.Noisy(random, 1e-6)),
            new FakeBench(2, (random, _) => FakeBench.Noisy(random, 1.4e-6)));
        Assert.That(result.Verdict, Is.EqualTo(BenchVerdict.Same));
    }

    [Test]
    public void Counters_ComeBeforeTimes()
    {
        FakeBench head = new(2, (random, _) => Call) { AllocatedBytes = 24 };
        BenchResult result = Compare(new FakeBench(1, (random, _) => Call), head);
        Assert.That(result.Verdict, Is.EqualTo(BenchVerdict.CountersChanged));
        Assert.That(head.Samples, Is.Zero, "no time is spent on a case that does other work");
    }

    [Test]
    public void AcceptedCounters_AreTimedAllTheSame()
    {
        FakeBench head = new(2, (random, _) => FakeBench.Noisy(random, 1.5 * Call)) { AllocatedBytes = 24 };
        BenchResult result = Compare(
            new FakeBench(1, (random, _) => FakeBench.Noisy(random, Call)), head,
            new BenchSettings(AcceptsCounters: true));
        Assert.That(result.Verdict, Is.EqualTo(BenchVerdict.Slower));
        Assert.That(result.Head!.AllocatedBytes, Is.EqualTo(24));
    }

    [Test]
    public void OtherInstructionSets_AreNotCompared()
    {
        RunException? refused = Assert.Throws<RunException>(() => Compare(
            new FakeBench(1, (random, _) => Call),
            new FakeBench(2, (random, _) => Call) { InstructionSet = "avx2" }));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("avx2").And.Contain("managed"));
    }

    [Test]
    public void UnknownCase_IsRefused() => Assert.That(
        () => Compare(new FakeBench(1, (r, _) => Call), new FakeBench(2, (r, _) => Call), "Fourier"),
        Throws.TypeOf<RunException>().With.Message.Contains("Fourier"));

    /// <summary>AdaptedLinear is not Linear.</summary>
    [Test]
    public void PartWithinAName_IsNoCase() => Assert.That(
        () => Compare(new FakeBench(1, (r, _) => Call), new FakeBench(2, (r, _) => Call), "Forward tiny"),
        Throws.TypeOf<RunException>().With.Message.Contains("begins with 'Forward tiny'"));

    [Test]
    public void Report_SaysWhatItsTimesHoldFor()
    {
        using var stop = new StopSignal();
        FakeBench origin = new(1, (r, _) => Call) { Commit = "2a0a8fc" }, head = new(2, (r, _) => Call);
        BenchReport report = new BenchComparison(origin.Peer, head.Peer, new BenchSettings(), stop)
            .Run([FakeBench.Case[..6].ToLowerInvariant()], _ => { });
        Assert.That(report.Machine, Is.EqualTo(new BenchMachine("fake", "managed", 1)));
        Assert.That((report.BaseCommit, report.HeadCommit), Is.EqualTo(("2a0a8fc", "unknown")));
        Assert.That(report.Results, Has.Count.EqualTo(1));
    }

    [Test]
    public void ProgramThatEnds_IsAnError() => Assert.That(
        () => new BenchPeer("gone", () => (TextWriter.Null, TextReader.Null)).List(),
        Throws.TypeOf<RunException>().With.Message.StartsWith("gone: it ended at 'list'"));

    private static BenchResult Compare(FakeBench origin, FakeBench head, params string[] filters) =>
        Compare(origin, head, new BenchSettings(), filters);

    private static BenchResult Compare(
        FakeBench origin, FakeBench head, BenchSettings settings, params string[] filters)
    {
        using var stop = new StopSignal();
        var comparison = new BenchComparison(origin.Peer, head.Peer, settings, stop);
        return comparison.Run(filters, _ => { }).Results.Single();
    }
}
