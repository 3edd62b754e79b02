using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

/// <summary>A folder that takes the place of another: killed or failing at any step, one is there whole.</summary>
public sealed class FolderReplacementTests
{
    private const int InputOutput = 5;
    private const string Task = "replace-folder";

    /// <summary>Where two folders cannot change places, the old one comes back at the next start.</summary>
    [Test, Category("slow")]
    public void Fault_K1_KilledBeforeAnyStepOfAReplacement_OldOrNewIsThere([Values] bool canExchange)
    {
        var seen = new List<string>();
        int killed = 137;
        for (int n = 1; killed != 0; n++)
        {
            using var folder = new TestFolder();
            string path = folder.At("model");
            Make(path, "old", FileSystem.Real);
            (killed, string output) = ChildProcess.RunToEnd(Task, path, $"{canExchange}", $"{n}");
            Assert.That(killed, Is.EqualTo(137).Or.EqualTo(0), output);
            if (!canExchange)
                new FolderWriter(path).Dispose();
            Assert.That(Content(path), Is.EqualTo("old").Or.EqualTo("new"), $"killed before step {n}");
            seen.Add(Content(path));
            Make(path, "newer", FileSystem.Real);
            Assert.That(Content(path), Is.EqualTo("newer"));
            using RunLock held = RunLock.Take(folder.Path);
            AtomicFile.Sweep(folder.Path, held, _ => { });
            Assert.That(
                Directory.GetFileSystemEntries(folder.Path).Order(),
                Is.EqualTo(new[] { path, folder.At(RunLock.FileName) }), $"killed before step {n}");
        }

        Assert.That(seen, Is.Ordered.Descending, "old until it is new");
        Assert.That(seen, Does.Contain("old").And.Contain("new"));
        Assert.That(seen, Has.Count.GreaterThan(12), "a replacement has more steps than that");
    }

    [Test]
    public void Fault_K2_AnyStepOfAReplacementFails_OldOrNewIsThereAsReported([Values] bool canExchange)
    {
        int steps = CountSteps(canExchange);
        Assert.That(steps, Is.GreaterThan(12));
        for (int n = 1; n <= steps; n++)
        {
            using var folder = new TestFolder();
            string path = folder.At("model");
            Make(path, "old", FileSystem.Real);
            int failing = n;
            var files = new FaultyFileSystem
            {
                CanExchange = canExchange,
                Fault = (number, _, name) =>
                {
                    if (number == failing)
                        throw new IOException($"{name}: injected", InputOutput);
                },
            };
            bool isSaved = TryMake(path, "new", files);
            Assert.That(Content(path), Is.EqualTo(isSaved ? "new" : "old"), $"step {n} fails");
            Make(path, "newer", FileSystem.Real);
            Assert.That(Content(path), Is.EqualTo("newer"));
        }
    }

    /// <summary>The child: replaces the folder and dies before a step.</summary>
    internal static int Replace(string path, bool canExchange, int killBefore)
    {
        Make(path, "new", FaultyFileSystem.KillBefore(killBefore, canExchange));
        return 0;
    }

    private static int CountSteps(bool canExchange)
    {
        using var folder = new TestFolder();
        Make(folder.At("model"), "old", FileSystem.Real);
        var files = new FaultyFileSystem { CanExchange = canExchange };
        Make(folder.At("model"), "new", files);
        return files.Steps.Count;
    }

    private static bool TryMake(string path, string content, FileSystem files)
    {
        try
        {
            Make(path, content, files);
            return true;
        }
        catch (RunException e)
        {
            Assert.That(e.Code, Is.EqualTo(ExitCode.Resources));
            return false;
        }
    }

    private static void Make(string path, string content, FileSystem files)
    {
        using var writer = new FolderWriter(path, files);
        foreach (string name in new[] { "a", "b" })
            writer.Write(name, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(content)));
        writer.Complete(replace: true);
    }

    /// <summary>What both files hold; they never differ.</summary>
    private static string Content(string path)
    {
        string a = File.ReadAllText(Path.Combine(path, "a"));
        Assert.That(File.ReadAllText(Path.Combine(path, "b")), Is.EqualTo(a));
        return a;
    }
}
