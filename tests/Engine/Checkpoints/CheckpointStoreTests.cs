using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Checkpoints;

public sealed class CheckpointStoreTests
{
    [Test]
    public void CheckpointStore_SavesAndOpensTheNewest()
    {
        using var folder = new TestFolder();
        using (var run = new CheckpointRun(folder.Path))
        {
            Assert.That(run.Store.OpenNewest(isRequired: false), Is.Null);
            CheckpointRun.CheckContent(run.Save(9));
            CheckpointRun.CheckContent(run.Save(10));
            Assert.That(run.Names(), Is.EqualTo(new[] { "step-00000010" }));
            Assert.That(File.ReadAllText(Path.Combine(run.Folder, "latest")), Is.EqualTo("step-00000010\n"));
            Assert.That(run.Log, Is.Empty);
        }
        using var again = new CheckpointRun(folder.Path);
        Checkpoint newest = again.Store.OpenNewest(isRequired: true, healthyOnly: true)!;
        Assert.That(newest.Step, Is.EqualTo(10));
        Assert.That(newest.WhyNot(full: true), Is.Null);
        Assert.That(newest.TotalBytes, Is.GreaterThan(20_000));
        CheckpointRun.CheckContent(newest);
    }

    [Test]
    public void CheckpointStore_WithoutCheckpoints_IsAnErrorOnlyWhereOneIsRequired()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path);
        RunException error = Assert.Throws<RunException>(() => run.Store.OpenNewest(isRequired: true))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(error.Message, Does.Contain("no checkpoint"));
    }

    [Test]
    public void CheckpointStore_SaysThatItsFolderCannotBe()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("checkpoints"), "a file is in the way");
        Assert.That(() => new CheckpointRun(folder.Path),
            Throws.TypeOf<RunException>().With.Property("Code").EqualTo(ExitCode.Config));
    }

    [Test]
    public void CheckpointRetention_KeepsNewestEveryNthBestAndHealthy()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path, retention: new CheckpointRetention(2, 4, Best: true));
        double[] metrics = [9, 9, 1, 9, 9, 9, 9, 9, 9];
        for (int step = 1; step <= 9; step++)
            run.Save(step, CheckpointRun.Facts(step) with { Metric = metrics[step - 1] });
        Assert.That(run.Names().Select(name => long.Parse(name[5..])), Is.EqualTo(new[] { 3, 4, 8, 9 }));
    }

    [Test]
    public void Fault_K9_NewestUnhealthy_LastHealthySurvivesAndIsOpened()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path);
        run.Save(1);
        run.Save(2, CheckpointRun.Facts(2) with { IsGradientFinite = false });
        run.Save(3, CheckpointRun.Facts(3) with { AreParametersFinite = false });
        Assert.That(run.Names(), Is.EqualTo(new[] { "step-00000001", "step-00000003" }));
        Assert.That(run.Store.OpenNewest(isRequired: true)!.Step, Is.EqualTo(3));
        Assert.That(run.Store.OpenNewest(isRequired: true, healthyOnly: true)!.Step, Is.EqualTo(1));
        Assert.That(run.Log, Has.Count.EqualTo(1).And.Some.Contains("non-finite"));
        run.Save(4);
        Assert.That(run.Names(), Is.EqualTo(new[] { "step-00000004" }));
    }

    [Test]
    public void CheckpointStore_SavesAStepAgain_WhereItsCheckpointIsUnhealthy()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path);
        run.Save(1);
        run.Save(2, CheckpointRun.Facts(2) with { AreParametersFinite = false });
        Assert.That(run.Save(2).Facts.IsHealthy, Is.True);
        Assert.That(run.Log, Has.Count.EqualTo(1).And.Some.Contains("non-finite"));
        Assert.That(() => run.Save(2), Throws.TypeOf<RunException>().With.Message.Contains("there already"));
    }

    [Test]
    public void Restate_TellsRetentionOfAMetricThatCameLater_AndKeepsTheRest()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path, retention: new CheckpointRetention(1, Best: true));
        run.Save(1, CheckpointRun.Facts(1) with { ParentStep = 0 });
        run.Store.Restate(1, CheckpointRun.Facts(1) with { ParentStep = 1, Metric = 2 });
        run.Save(2, CheckpointRun.Facts(2) with { Metric = 3 });
        run.Save(3, CheckpointRun.Facts(3) with { Metric = 4 });
        Assert.That(run.Names(), Is.EqualTo(new[] { "step-00000001", "step-00000003" }));
        Checkpoint restated = Checkpoint.Open(run.Store.PathOf(1))!;
        Assert.That(restated.WhyNot(full: true), Is.Null);
        Assert.That(restated.State.GetProperty("cursor").GetInt64(), Is.EqualTo(17));
        Assert.That((restated.Facts.ParentStep, restated.Facts.Metric), Is.EqualTo(((long?)0, (double?)2)));
    }

    [Test]
    public void Fault_K10_ForeignNames_AreIgnored_AndStaleLeftoversOfThisHostRemoved()
    {
        using var folder = new TestFolder();
        string[] foreign =
            ["step-x", "step-5", "step-000000005", "step--0000001", "step-00000007.old", ".tmp-mine", "notes"];
        string checkpoints = folder.At("checkpoints");
        foreach (string name in foreign)
            Directory.CreateDirectory(Path.Combine(checkpoints, name));
        File.WriteAllText(Path.Combine(checkpoints, "step-00000008"), "a file");
        if (!OperatingSystem.IsWindows())
            Directory.CreateSymbolicLink(Path.Combine(checkpoints, "step-00000009"), folder.Path);
        string stale = Leftovers.TemporaryFor(Path.Combine(checkpoints, "step-00000006"));
        string otherHost = stale.Replace(Path.GetFileName(stale)[5..13], "0123abcd");
        Directory.CreateDirectory(stale);
        Directory.CreateDirectory(otherHost);
        string[] before = Directory.GetFileSystemEntries(checkpoints);

        using var run = new CheckpointRun(folder.Path);
        Assert.That(Directory.GetFileSystemEntries(checkpoints), Is.EquivalentTo(before.Where(path => path != stale)));
        Assert.That(run.Store.OpenNewest(isRequired: false), Is.Null);
        run.Save(1);
        run.Save(2);
        Assert.That(Directory.GetFileSystemEntries(checkpoints), Has.Length.EqualTo(before.Length - 1 + 2));
        Assert.That(run.Log, Has.Count.EqualTo(2));
    }

    [Test]
    public void Fault_C4_TwoRunsOnOneFolder_SecondIsRefused()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path);
        RunException error = Assert.Throws<RunException>(() => new CheckpointRun(folder.Path))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.Contain($"process {Environment.ProcessId}"));
    }
}
