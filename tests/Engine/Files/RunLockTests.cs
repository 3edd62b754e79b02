using System.Diagnostics;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

public sealed class RunLockTests
{
    [Test]
    public void RunLock_IsTakenAgainAfterItIsReleased()
    {
        using var folder = new TestFolder();
        RunLock.Take(folder.Path).Dispose();
        using RunLock second = RunLock.Take(folder.Path);
        Assert.That(DateTime.UtcNow - second.StartUtc, Is.LessThan(TimeSpan.FromMinutes(1)));
    }

    [Test, Category("slow")]
    public void Fault_C4_SecondProcess_IsToldWhoHoldsTheFolder_UntilTheHolderIsKilled()
    {
        using var folder = new TestFolder();
        using Process holder = ChildProcess.Start("hold-lock", folder.Path);
        Assert.That(holder.StandardOutput.ReadLine(), Is.EqualTo("locked"));

        RunException error = Assert.Throws<RunException>(() => RunLock.Take(folder.Path))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.Contain($"process {holder.Id} on {Environment.MachineName} since 2"));

        holder.Kill();
        holder.WaitForExit();
        Assert.That(() => RunLock.Take(folder.Path).Dispose(), Throws.Nothing);
    }

    [Test, Category("slow")]
    public void RunLock_Waits_UntilTheHolderIsGone_OrAStop()
    {
        using var folder = new TestFolder();
        using Process holder = ChildProcess.Start("hold-lock", folder.Path);
        Assert.That(holder.StandardOutput.ReadLine(), Is.EqualTo("locked"));
        using (var stop = new StopSignal(null, _ => { }))
        {
            stop.RequestStop("the test");
            RunException error = Assert.Throws<RunException>(() => RunLock.Wait(folder.Path, stop))!;
            Assert.That(error.Message, Does.Contain($"waiting for process {holder.Id}"));
        }

        int polls = 0;
        using var killing = new StopSignal(null, _ => { })
        {
            OnPoll = () =>
            {
                if (++polls == 2)
                    holder.Kill();
            },
        };
        using RunLock taken = RunLock.Wait(folder.Path, killing);
        Assert.That(polls, Is.AtLeast(2));
    }

    [Test]
    public void RunLock_SaysWhatIsWrongWithTheFolder()
    {
        using var folder = new TestFolder();
        Assert.That(() => RunLock.Take(folder.At("none")),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Config));
    }

    /// <summary>The child: holds a folder until it is killed or its input ends.</summary>
    internal static int HoldLock(string folder)
    {
        using RunLock held = RunLock.Take(folder);
        Console.WriteLine("locked");
        Console.In.ReadToEnd();
        return 0;
    }
}
