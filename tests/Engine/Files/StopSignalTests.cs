using System.Diagnostics;
using System.Runtime.InteropServices;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

public sealed partial class StopSignalTests
{
    private const int Interrupt = 2, User1 = 10, Terminate = 15, Hangup = 1, Quit = 3;

    [TestCase(Interrupt, "SIGINT", 130)]
    [TestCase(Terminate, "SIGTERM", 143)]
    [TestCase(Hangup, "SIGHUP", 143)]
    [TestCase(Quit, "SIGQUIT", 143)]
    [Platform(Include = "Linux"), Category("slow")]
    public void StopSignal_HearsTheFirstSignal_AndTheProcessGoesOn(int signal, string reason, int unsavedCode)
    {
        using Process child = Start(signal);
        Assert.That(Kill(child.Id, signal), Is.Zero);
        Assert.That(ChildProcess.ReadLine(child), Is.EqualTo($"stop {reason} {unsavedCode}"));
        child.StandardInput.WriteLine();
        child.WaitForExit();
        Assert.That(child.ExitCode, Is.EqualTo(75));
    }

    [TestCase(Interrupt, 130)]
    [TestCase(Terminate, 143)]
    [Platform(Include = "Linux"), Category("slow")]
    public void Fault_P3_SecondSignal_EndsTheProcessAtOnce(int signal, int code)
    {
        using Process child = Start(signal);
        Kill(child.Id, signal);
        Assert.That(ChildProcess.ReadLine(child), Does.StartWith("stop"));
        Kill(child.Id, signal);
        Assert.That(child.WaitForExit(20_000), Is.True);
        Assert.That(child.ExitCode, Is.EqualTo(code));
    }

    [Test]
    [Platform(Include = "Linux"), Category("slow")]
    public void Fault_P3_User1_AsksToSaveAndGoOn()
    {
        using Process child = Start(User1, Terminate);
        for (int i = 0; i < 2; i++)
        {
            Kill(child.Id, User1);
            Assert.That(ChildProcess.ReadLine(child), Is.EqualTo("save"));
        }
        Kill(child.Id, Terminate);
        Assert.That(ChildProcess.ReadLine(child), Does.StartWith("stop SIGTERM"));
        child.Kill();
    }

    [Test]
    public void StopSignal_CountsEachSignalForItself()
    {
        var exits = new List<ExitCode>();
        using var signal = new StopSignal(null, exits.Add);
        Assert.That(signal.IsStopRequested, Is.False);
        signal.OnTerminate();
        signal.OnInterrupt();
        Assert.That(exits, Is.Empty);
        Assert.That(signal.Reason, Is.EqualTo("SIGTERM"));
        signal.OnInterrupt();
        Assert.That(exits, Is.EqualTo(new[] { ExitCode.Interrupted }));
    }

    [Test]
    public void StopSignal_SeesTheFilesStopAndCheckpoint()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("CHECKPOINT"), "");
        using var signal = new StopSignal(folder.Path, _ => { });
        Assert.That(signal.TakeSaveRequest(), Is.True);
        Assert.That(signal.TakeSaveRequest(), Is.False);
        Assert.That(File.Exists(folder.At("CHECKPOINT")), Is.False);

        File.WriteAllText(folder.At("STOP"), "");
        Assert.That(() => signal.Reason, Is.EqualTo("the file STOP").After(5_000, 20));
        Assert.That(File.Exists(folder.At("STOP")), Is.False);
        Assert.That(signal.UnsavedCode, Is.EqualTo(ExitCode.Terminated));
    }

    [Test]
    public void StopSignal_EndsWorkThatCannotBeResumed()
    {
        using var signal = new StopSignal(null, _ => { });
        Assert.That(() => signal.ThrowIfStopRequested("merge"), Throws.Nothing);
        signal.RequestStop("the time limit");
        RunException error = Assert.Throws<RunException>(() => signal.ThrowIfStopRequested("merge"))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.Terminated));
        Assert.That(error.Message, Does.StartWith("merge: stopped by the time limit"));
    }

    /// <summary>The child: prints what it is asked until the test lets it end after a stop.</summary>
    internal static int WaitForSignals()
    {
        using var signal = new StopSignal();
        Console.WriteLine("ready");
        while (!signal.IsStopRequested)
        {
            if (signal.TakeSaveRequest())
                Console.WriteLine("save");
            Thread.Sleep(5);
        }
        Console.WriteLine($"stop {signal.Reason} {(int)signal.UnsavedCode}");
        Console.In.ReadLine();
        return (int)ExitCode.Resumable;
    }

    private static Process Start(params int[] signals)
    {
        Signals.Require(signals);
        Process child = ChildProcess.Start("wait-for-signals");
        Assert.That(ChildProcess.ReadLine(child), Is.EqualTo("ready"));
        return child;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
