using System.Diagnostics;
using FastCpt.Tests.Engine.Checkpoints;
using FastCpt.Tests.Engine.Files;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Engine.Studies.Slots;
using FastCpt.Tests.Engine.Training;
using FastCpt.Tests.Kernels;

namespace FastCpt.Tests.Support;

/// <summary>Starts this assembly as a process of its own, for tests that kill it or send it signals.</summary>
internal static class ChildProcess
{
    /// <summary>What the child does, by its first argument; returns its exit code.</summary>
    public static int Run(string task, string[] arguments) => task switch
    {
        "fastcpt" => CommandLine.Run(arguments, Console.Out, Console.Error),
        "hold-lock" => RunLockTests.HoldLock(arguments[0]),
        "wait-for-signals" => StopSignalTests.WaitForSignals(),
        "save-next-and-die" => CheckpointRun.SaveNextAndDie(arguments[0], int.Parse(arguments[1])),
        "adapt-and-die" => AdapterRunTests.AdaptAndDie(arguments[0], arguments[1], int.Parse(arguments[2])),
        "adapter-study-and-die" => AdapterStudyKillTests.StudyAndDie(
            arguments[0], arguments[1], int.Parse(arguments[2])),
        "train-and-die" => TrainingKillTests.TrainAndDie(arguments[0], arguments[1], int.Parse(arguments[2])),
        "learn-and-die" => SlotResumeTests.LearnAndDie(arguments[0], arguments[1], int.Parse(arguments[2])),
        "open-folder" => TensorFolderTests.Open(arguments[0]),
        "replace-file" => AtomicFileTests.ReplaceFile(arguments[0], int.Parse(arguments[1])),
        "replace-folder" => FolderReplacementTests.Replace(
            arguments[0], bool.Parse(arguments[1]), int.Parse(arguments[2])),
        "study-and-die" => StudyKillTests.StudyAndDie(arguments[0], arguments[1], int.Parse(arguments[2])),
        GoldenLosses.Command => GoldenLosses.Regenerate(),
        "guard-pages" => GuardPageTests.Run(arguments),
        "measure-steps" => TrainingStepTests.MeasureAllocations(),
        _ => throw new ArgumentException($"No child task '{task}'."),
    };

    /// <summary>Ends this process as a power failure would: no handler runs.</summary>
    public static void Die()
    {
        Process.GetCurrentProcess().Kill();
        Thread.Sleep(Timeout.Infinite);
    }

    /// <summary>Starts a task with its output and input connected to the test.</summary>
    public static Process Start(string task, params string[] arguments)
    {
        var start = new ProcessStartInfo
        {
            FileName = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (string argument in (string[])[typeof(ChildProcess).Assembly.Location, task, .. arguments])
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;      // null only for a file that the shell opens
    }

    /// <summary>The next line that a child writes; fails where none comes in a minute.</summary>
    public static string? ReadLine(Process child)
    {
        Task<string?> line = child.StandardOutput.ReadLineAsync();
        if (line.Wait(TimeSpan.FromMinutes(1)))
            return line.Result;
        child.Kill();
        Assert.Fail("The child wrote nothing for a minute.");
        return null;
    }

    /// <summary>Runs a task to its end.</summary>
    /// <returns>The exit code (128 + signal number for a killed process) and all output.</returns>
    public static (int Code, string Output) RunToEnd(string task, params string[] arguments)
    {
        using Process process = Start(task, arguments);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + error.Result;
        if (!process.WaitForExit(60_000))
        {
            process.Kill();
            Assert.Fail($"The child task '{task}' did not end within a minute.");
        }
        return (process.ExitCode, output);
    }
}
