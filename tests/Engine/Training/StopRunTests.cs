using System.Diagnostics;
using System.Runtime.InteropServices;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Training;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Runs asked to save or stop, by a clock, a signal or a file; they go on with the same bits.</summary>
[Category("slow")]
internal sealed partial class StopRunTests
{
    private const int User1 = 10, Terminate = 15;

    private TinyRun _runs = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp()
    {
        _runs = new TinyRun();
        _runs.Train(Config("whole"));
    }

    [OneTimeTearDown]
    public void TearDown() => _runs.Dispose();

    /// <summary>
    /// A step takes a minute and a save one and a half: after four steps and two saves it is minute 7, and two saves
    /// and a step need 4 more.
    /// </summary>
    [TestCase(10.9, 4)]
    [TestCase(11.0, 5)]
    [TestCase(12.0, 6)]
    public void MaxWallMinutes_SavesAndStops_BeforeTheLimit(double minutes, int steps)
    {
        string name = $"wall-{minutes}";
        RunConfig config = Config(name);
        config = config with { Training = config.Training with { MaxWallMinutes = minutes } };
        var time = new ManualTime();
        var files = new FaultyFileSystem
        {
            Fault = (_, step, path) =>
            {
                if (step == FileStep.Rename && Path.GetFileName(path).StartsWith("step-", StringComparison.Ordinal))
                    time.Advance(TimeSpan.FromMinutes(1.5));
            },
        };
        RunException? stopped = Assert.Throws<RunException>(
            () => _runs.Train(config, files, time: time, faults: new SlowSteps(time)));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resumable));
        Assert.That(stopped.Message, Does.Contain($"stopped by max_wall_minutes after {steps} of 8 steps"));
        Assert.That(time.GetElapsedTime(0).TotalMinutes, Is.LessThanOrEqualTo(minutes));
        Assert.That(Directory.Exists(_runs.Path($"{name}/checkpoints/step-{steps:00000000}")), Is.True);

        _runs.Train(config with { Training = config.Training with { MaxWallMinutes = 0 } });
        Assert.That(_runs.Weights(name), Is.EqualTo(_runs.Weights("whole")));
    }

    [Test]
    public void SaveRequest_SavesAndGoesOn()
    {
        using var stop = new StopSignal(folder: null, _ => { });
        using var console = new LineWriter("step 2 ", stop.RequestSave);
        _runs.Train(Config("asked"), console: console, stop: stop);
        Assert.That(console.ToString(), Does.Contain("saved step 2").And.Contain("saved step 4"));
        Assert.That(console.ToString(), Does.Not.Contain("saved step 3"));
        Assert.That(_runs.Weights("asked"), Is.EqualTo(_runs.Weights("whole")));
    }

    /// <summary>The command in a process of its own; every line that it says is waited for, nothing else is.</summary>
    [Test]
    [Platform(Include = "Linux")]
    public void Fault_P3_User1AndFiles_SaveAndGoOn_ThenTerm_SavesAndEndsWith75()
    {
        Signals.Require(User1, Terminate);
        using Process child = StartEndless("child");
        Assert.That(Kill(child.Id, User1), Is.Zero);
        WaitFor(child, "saved step ");
        File.WriteAllText(_runs.Path("child/CHECKPOINT"), "");
        WaitFor(child, "saved step ");
        Assert.That(Kill(child.Id, Terminate), Is.Zero);
        string rest = child.StandardError.ReadToEnd();
        child.WaitForExit();
        Assert.That(child.ExitCode, Is.EqualTo(75), rest);
        Assert.That(rest, Does.Contain("stopped by SIGTERM"));
    }

    [Test]
    [Platform(Include = "Linux")]
    public void FileStop_SavesAndEndsWith75()
    {
        using Process child = StartEndless("stop-file");
        File.WriteAllText(_runs.Path("stop-file/STOP"), "");
        string rest = child.StandardError.ReadToEnd();
        child.WaitForExit();
        Assert.That(child.ExitCode, Is.EqualTo(75), rest);
        Assert.That(rest, Does.Contain("stopped by the file STOP"));
        Assert.That(File.Exists(_runs.Path("stop-file/STOP")), Is.False);
    }

    private RunConfig Config(string name)
    {
        RunConfig config = _runs.Config(name);
        return config with { Training = config.Training with { SaveSteps = 2 } };
    }

    /// <summary>The command, past its first step of a million.</summary>
    private Process StartEndless(string name)
    {
        RunConfig config = Config(name);
        config = config with
        {
            Training = config.Training with { MaxSteps = 1_000_000, SaveSteps = 0, EvalSteps = 0 },
        };
        string yaml = _runs.Path($"{name}.yaml");
        File.WriteAllText(yaml, config.ToYaml());
        Process child = ChildProcess.Start("fastcpt", "train", yaml);
        child.StandardInput.Close();
        WaitFor(child, "step 1 ");
        return child;
    }

    private static void WaitFor(Process child, string start)
    {
        while (child.StandardError.ReadLine() is { } line)
            if (line.StartsWith(start, StringComparison.Ordinal))
                return;
        Assert.Fail($"The run ended without a line that begins with '{start}'.");
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    /// <summary>Every step takes a minute.</summary>
    private sealed class SlowSteps(ManualTime time) : StepFaults
    {
        public override double BeforeUpdate(long step, double lossNats, AdamW optimizer)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            return lossNats;
        }
    }
}
