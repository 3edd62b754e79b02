using System.Diagnostics;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests;

/// <summary>A whole study that is killed, or asked to stop, and started again, ends with the same bytes.</summary>
internal sealed class StudyKillTests
{
    private const string Task = "study-and-die";
    private const int Seed = 2026, Killed = 137;

    private InterruptedStudy _study = null!;                                   // SetUp makes these
    private SortedDictionary<string, string> _whole = null!;
    private IReadOnlyDictionary<StudyPhase, int> _counts = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        _study = new InterruptedStudy();
        int code = InterruptedStudy.Run(_study.YamlPath, TextWriter.Null, (_, _, _) => { }, out StudyInstants instants);
        Assert.That(code, Is.Zero);
        (_whole, _counts) = (_study.Bytes(), instants.Counts);
        _study.Clear();
    }

    [OneTimeTearDown]
    public void TearDown() => _study.Dispose();

    [Test, Category("slow")]
    public void Study_HasInstantsInEveryPhase_TheSameInEveryRun()
    {
        InterruptedStudy.Run(_study.YamlPath, TextWriter.Null, (_, _, _) => { }, out StudyInstants again);
        TestContext.Out.WriteLine(string.Join(", ", _counts.Select(count => $"{count.Key} {count.Value}")));
        Assert.That(_counts.Values, Is.All.Positive);
        Assert.That(again.Counts, Is.EqualTo(_counts));
        AssertSameBytes("run again");
    }

    /// <summary>One study, killed once in every phase and started again each time.</summary>
    [Test, Category("slow")]
    public void Fault_K1_StudyKilledInEveryPhase_EndsWithTheSameBytes()
    {
        var random = new Random(Seed);
        foreach (StudyPhase phase in Enum.GetValues<StudyPhase>())
            Kill(phase, random.Next(1, Math.Min(_counts[phase], 4) + 1));
        _study.Finish();
        AssertSameBytes("killed in every phase");
    }

    /// <summary>Over 20 studies, each killed once, at an instant drawn from all of its phase.</summary>
    [Test, Category("long"), Explicit("a study for every phase: some minutes")]
    public void Fault_K1_StudyKilledAtAnyInstant_EndsWithTheSameBytes()
    {
        var random = new Random(Seed);
        foreach (StudyPhase phase in Enum.GetValues<StudyPhase>())
        {
            int number = random.Next(1, _counts[phase] + 1);
            Kill(phase, number);
            _study.Finish();
            AssertSameBytes($"killed in {phase} {number} of {_counts[phase]}");
            TestContext.Progress.WriteLine($"{phase} {number} of {_counts[phase]}: the same bytes");
        }
    }

    /// <summary>One study that is asked to stop once in every phase, and started again each time.</summary>
    [Test, Category("slow")]
    public void Fault_P1_StudyStoppedInEveryPhase_EndsWithTheSameBytes()
    {
        var random = new Random(Seed);
        var next = _counts.ToDictionary(count => count.Key, count => random.Next(1, count.Value + 1));
        var seen = _counts.ToDictionary(count => count.Key, _ => 0);
        var codes = new List<ExitCode>();
        do
        {
            codes.Add((ExitCode)InterruptedStudy.Run(_study.YamlPath, TextWriter.Null, (stop, phase, _) =>
            {
                if (++seen[phase] == next[phase])
                    stop.RequestStop("the test");
            }, out StudyInstants _));
        }
        while (codes[^1] == ExitCode.Resumable);
        Assert.That(codes[^1], Is.EqualTo(ExitCode.Done));
        // Two requests may fall into one attempt; then the second finds the first still unheard.
        Assert.That(codes, Has.Count.GreaterThan(_counts.Count / 2));
        Assert.That(next.Where(pair => seen[pair.Key] < pair.Value), Is.Empty, "phases without a request");
        AssertSameBytes("stopped in every phase");
    }

    [Test, Category("slow"), Platform(Include = "Linux")]
    public void Fault_P1_StudyThatGetsSigterm_EndsWith75_AndGoesOn()
    {
        using Process child = ChildProcess.Start("fastcpt", "study", _study.YamlPath);
        string? line;
        do
            line = child.StandardError.ReadLine();
        while (line?.StartsWith("step 2 ", StringComparison.Ordinal) == false);
        using (Process kill = Process.Start("kill", ["-TERM", $"{child.Id}"]))
            kill.WaitForExit();
        string error = child.StandardError.ReadToEnd();
        Assert.That(child.WaitForExit(60_000), Is.True);
        Assert.That(child.ExitCode, Is.EqualTo((int)ExitCode.Resumable), error);
        Assert.That(
            error, Does.Contain("stopped by SIGTERM while making seed-3/").And.Contain("The same command goes on"));
        _study.Finish();
        AssertSameBytes("stopped by SIGTERM");
    }

    /// <summary>The child: runs the command and dies at an instant, after saying which.</summary>
    internal static int StudyAndDie(string yamlPath, string phase, int number) => InterruptedStudy.Run(
        yamlPath, Console.Out, (_, current, count) =>
        {
            if (current != Enum.Parse<StudyPhase>(phase) || count != number)
                return;
            Console.Out.WriteLine($"dies in {current}");
            Console.Out.Flush();
            ChildProcess.Die();
        }, out _);

    private void Kill(StudyPhase phase, int number)
    {
        (int code, string output) = ChildProcess.RunToEnd(Task, _study.YamlPath, $"{phase}", $"{number}");
        Assert.That(code, Is.EqualTo(Killed), $"at {phase} {number}: {output}");
        Assert.That(output, Does.Contain($"dies in {phase}"));
    }

    private void AssertSameBytes(string what)
    {
        SortedDictionary<string, string> found = _study.Bytes();
        _study.Clear();
        Assert.Multiple(() =>
        {
            Assert.That(found.Keys, Is.EqualTo(_whole.Keys), what);
            foreach ((string name, string bytes) in _whole)
                Assert.That(found.GetValueOrDefault(name), Is.EqualTo(bytes), $"{what}: {name}");
        });
    }
}
