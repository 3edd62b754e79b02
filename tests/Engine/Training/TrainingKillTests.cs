using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Training;

/// <summary>A run that is killed before any step of its writing ends, started again, with the same bytes.</summary>
internal sealed class TrainingKillTests
{
    private const string Task = "train-and-die";

    /// <summary>
    /// Every seventh step meets each kind of write, sync and rename of checkpoints and of the final folder.
    /// </summary>
    [Test, Category("slow")]
    public void KilledRun_GoesOnWithTheSameBytes() =>
        KillAt(steps => Enumerable.Range(1, steps).Where(n => n % 7 == 3));

    [Test, Category("long"), Explicit("every step of every save: some minutes")]
    public void KilledRun_GoesOnWithTheSameBytes_AtEveryStep() => KillAt(steps => Enumerable.Range(1, steps));

    /// <summary>What the child process does: trains until the n-th step of its file system kills it.</summary>
    public static int TrainAndDie(string folder, string name, int n)
    {
        using TinyRun runs = TinyRun.Open(folder);
        runs.Train(runs.Config(name), FaultyFileSystem.KillBefore(n));
        return 0;
    }

    private static void KillAt(Func<int, IEnumerable<int>> choose)
    {
        using var runs = new TinyRun();
        runs.Train(runs.Config("first")); // makes the shards, which all runs share
        var counting = new FaultyFileSystem();
        runs.Train(runs.Config("whole"), counting);
        byte[] expected = runs.Weights("whole");
        foreach (int n in choose(counting.Steps.Count))
        {
            string name = $"killed-{n}";
            (int code, string output) = ChildProcess.RunToEnd(Task, runs.Folder, name, n.ToString());
            Assert.That(
                code, Is.EqualTo(137), $"the child should die before step {n} ({counting.Steps[n - 1]}): {output}");
            runs.Train(runs.Config(name));
            Assert.That(runs.Weights(name), Is.EqualTo(expected), $"killed before step {n}: {counting.Steps[n - 1]}");
            FileSystem.Real.DeleteFolder(runs.Path(name));
        }
    }
}
