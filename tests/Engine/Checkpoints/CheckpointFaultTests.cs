using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Checkpoints;

/// <summary>Saves that fail or are killed, and checkpoints that are damaged.</summary>
public sealed partial class CheckpointFaultTests
{
    private const int NoSpace = 28, InputOutput = 5, Quota = 122, CrossDevice = 18, NoAccess = 13;

    [Test, Category("slow")]
    public void Fault_K1_KilledBeforeAnyStepOfASave_TheNewestWholeCheckpointOpens()
    {
        int killBefore = 0;
        bool sawNew = false;
        for (int code = 137; code != 0;)
        {
            using var folder = new TestFolder();
            using (var run = new CheckpointRun(folder.Path))
                run.Save(1);
            (code, string output) = ChildProcess.RunToEnd(
                "save-next-and-die", folder.Path, (++killBefore).ToString());
            Assert.That(code, Is.EqualTo(137).Or.EqualTo(0), output);

            using var after = new CheckpointRun(folder.Path);
            Checkpoint newest = after.Store.OpenNewest(isRequired: true)!;
            Assert.That(newest.Step, Is.EqualTo(2).Or.EqualTo(sawNew ? 2 : 1), $"killed before {killBefore}");
            sawNew |= newest.Step == 2;
            CheckpointRun.CheckContent(newest);
            CheckpointRun.CheckContent(after.Save(newest.Step + 1));
            Assert.That(after.Names(), Is.EqualTo(new[] { $"step-{newest.Step + 1:00000000}" }));
        }
        Assert.That(sawNew, Is.True);
        Assert.That(killBefore, Is.GreaterThan(20), "a save has more steps than that");
    }

    [TestCase(NoSpace), TestCase(InputOutput), Category("slow")]
    public void Fault_K2_AnyStepFails_NothingIsLostAndTheNextSaveWorks(int error)
    {
        int stepCount = StepsOfASave();
        for (int failing = 1; failing <= stepCount; failing++)
        {
            using var folder = new TestFolder();
            var files = new FaultyFileSystem();
            using var run = new CheckpointRun(folder.Path, files);
            run.Save(1);
            files.Steps.Clear();
            int n = failing;
            files.Fault = (number, _, path) =>
            {
                if (number == n)
                    throw new IOException($"{path}: injected", error);
            };
            bool isSaved = TrySave(run, 2);
            files.Fault = null;

            Checkpoint newest = run.Store.OpenNewest(isRequired: true)!;
            CheckpointRun.CheckContent(newest);
            Assert.That(newest.Step, Is.EqualTo(isSaved ? 2 : 1), $"step {failing} failed");
            if (!isSaved)
                Assert.That(run.Names(), Is.EqualTo(new[] { "step-00000001" }), $"step {failing} failed");
            CheckpointRun.CheckContent(run.Save(newest.Step + 1));
        }
    }

    [Test]
    public void Fault_K2_TooLittleSpace_IsRefusedBeforeAnythingIsWritten()
    {
        using var folder = new TestFolder();
        var files = new FaultyFileSystem();
        using var run = new CheckpointRun(folder.Path, files);
        long size = run.Save(1).TotalBytes;
        files.Steps.Clear();
        files.FreeBytesTold = size;
        RunException error = Assert.Throws<RunException>(() => run.Save(2))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(error.Message, Does.Contain("MiB are free"));
        Assert.That(files.Steps, Is.Empty);
        files.FreeBytesTold = size * 2;
        Assert.That(() => run.Save(2), Throws.Nothing);
    }

    [TestCase(FileStep.Sync, "model.safetensors", InputOutput)]
    [TestCase(FileStep.Sync, "config.json", NoSpace)]
    [TestCase(FileStep.Sync, "manifest.json", Quota)]
    [TestCase(FileStep.SyncFolder, ".tmp-", InputOutput)]
    public void Fault_K3_SyncFails_TheSaveFailsAndTheOldCheckpointStays(FileStep step, string name, int error)
    {
        using var folder = new TestFolder();
        using (var run = new CheckpointRun(folder.Path))
            run.Save(1);
        using var failing = new CheckpointRun(folder.Path, FaultyFileSystem.Fail(step, name, error));
        RunException thrown = Assert.Throws<RunException>(() => failing.Save(2))!;
        Assert.That(thrown.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(thrown.Message, Does.Contain("step-00000002: could not be saved").And.Contain($"error {error}"));
        Assert.That(failing.Names(), Is.EqualTo(new[] { "step-00000001" }));
        Assert.That(failing.Store.OpenNewest(isRequired: true)!.Step, Is.EqualTo(1));
    }

    [Test]
    [Platform(Include = "Linux"), Category("slow")]
    public void Fault_K4_SignalsDuringASave_AreInvisible()
    {
        using var folder = new TestFolder();
        using var signal = new StopSignal();        // catches SIGUSR1, which would end the process
        using var run = new CheckpointRun(folder.Path);
        using var done = new CancellationTokenSource();
        var sender = new Thread(() =>
        {
            while (!done.IsCancellationRequested)
                _ = Kill(Environment.ProcessId, 10);
        });
        sender.Start();
        try
        {
            for (int step = 1; step <= 20; step++)
                CheckpointRun.CheckContent(run.Save(step));
        }
        finally
        {
            done.Cancel();
            sender.Join();
        }
        Assert.That(() => signal.TakeSaveRequest(), Is.True.After(5_000, 10));
        Assert.That(signal.IsStopRequested, Is.False);
    }

    [TestCase(CrossDevice, false)]
    [TestCase(NoAccess, false)]
    [TestCase(NoAccess, true)]
    public void Fault_K5_RenameFails_TheSaveFailsWithItsReason(int error, bool keepFailed)
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(
            folder.Path, FaultyFileSystem.Fail(FileStep.Rename, "step-00000002", error), keepFailed: keepFailed);
        run.Save(1);
        RunException thrown = Assert.Throws<RunException>(() => run.Save(2))!;
        Assert.That(thrown.Message, Does.Contain("could not be saved: ").And.Contain($"error {error}"));
        Assert.That(run.Names().Count(name => name.StartsWith(".tmp-")), Is.EqualTo(keepFailed ? 1 : 0));
        Assert.That(run.Store.OpenNewest(isRequired: true)!.Step, Is.EqualTo(1));
    }

    [Test]
    public void Fault_K5_TargetExists_TheSaveFailsAndTheTargetStays()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path);
        run.Save(1);
        RunException error = Assert.Throws<RunException>(() => run.Save(1))!;
        Assert.That(error.Message, Does.Contain("a whole checkpoint is there already"));
        CheckpointRun.CheckContent(run.Store.OpenNewest(isRequired: true)!);
    }

    [TestCase("model.safetensors")]
    [TestCase("config.json")]
    [TestCase("manifest.json")]
    public void Fault_K6_BitRotAnywhere_TheOlderCheckpointOpens(string name)
    {
        using var folder = new TestFolder();
        var retention = new CheckpointRetention(2);
        using var run = new CheckpointRun(folder.Path, retention: retention);
        run.Save(1);
        string path = Path.Combine(run.Save(2).Path, name);
        byte[] right = File.ReadAllBytes(path);
        int stride = Math.Max(1, right.Length / 60);
        for (int place = 0; place < right.Length; place += stride)
        {
            byte[] damaged = [.. right];
            damaged[place] ^= (byte)(1 << (place % 8));
            File.WriteAllBytes(path, damaged);
            run.Log.Clear();
            Assert.That(run.Store.OpenNewest(isRequired: true)!.Step, Is.EqualTo(1), $"{name}, byte {place}");
            Assert.That(run.Log, Has.Count.EqualTo(1).And.Some.Contains("step-00000002: skipped:"));
        }
        CheckpointRun.CheckContent(run.Save(2));      // takes the damaged one's place
        Assert.That(run.Names(), Is.EqualTo(new[] { "step-00000001", "step-00000002" }));
    }

    [Test]
    public void Fault_K6_AllDamaged_IsAnErrorThatDoesNotStartAfresh()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path);
        File.WriteAllText(Path.Combine(run.Save(1).Path, "config.json"), "step 7");
        RunException error = Assert.Throws<RunException>(() => run.Store.OpenNewest(isRequired: false))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(error.Message, Does.Contain("none of 1 checkpoints can be used"));
        Assert.That(run.Log, Has.Some.Contains("config.json has the CRC"));
    }

    [Test]
    public void Fault_K6_DamagedNewest_DoesNotCountForRetention()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path);
        run.Save(1);
        string newest = run.Save(5).Path;
        run.Dispose();
        File.AppendAllText(Path.Combine(newest, "config.json"), "x");
        using var again = new CheckpointRun(folder.Path);
        again.Save(2);
        again.Save(3);
        Assert.That(again.Names(), Is.EqualTo(new[] { "step-00000003", "step-00000005" }));
        Assert.That(again.Store.OpenNewest(isRequired: true)!.Step, Is.EqualTo(3));
    }

    [Test]
    public void Fault_K7_ManifestMissingOrCutOrWrong_IsNotACheckpoint()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path, retention: new CheckpointRetention(2));
        run.Save(1);
        string path = run.Save(2).Path, manifest = Path.Combine(path, "manifest.json");
        byte[] right = File.ReadAllBytes(manifest);

        for (int length = 0; length < right.Length; length += 23)
            Skipped(() => File.WriteAllBytes(manifest, right[..length]), "manifest.json");
        Skipped(() => File.WriteAllBytes(manifest, [.. right, .. "x"u8]), "manifest.json");
        Skipped(() => File.Delete(manifest), "No such file");
        Skipped(() => WriteManifest(manifest, right, "\"step\": 2", "\"step\": 3"), "the step is 3");
        Skipped(() => WriteManifest(manifest, right, "\"version\": 1", "\"version\": 2"), "the version is 2");
        Skipped(() => WriteManifest(manifest, right, "\"config.json\"", "\"absent.json\""), "cannot be opened");
        Skipped(() => WriteManifest(manifest, right, "\"config.json\"", "\"../config.js\""), "not one path");
        Skipped(() => WriteManifest(manifest, right, "\"bytes\": 6", "\"bytes\": 7"), "has 6 bytes, expected 7");
        Skipped(() => WriteManifest(manifest, right, "\"tokens\"", "\"tokenz\""), "not a manifest");
        Skipped(() => WriteManifest(manifest, right, "\"attempt\": 2", "\"attempt\": \"2\""), "not a manifest");

        File.WriteAllBytes(manifest, right);
        Assert.That(run.Store.OpenNewest(isRequired: true)!.Step, Is.EqualTo(2));

        void Skipped(Action damage, string reason)
        {
            damage();
            run.Log.Clear();
            Assert.That(run.Store.OpenNewest(isRequired: true)!.Step, Is.EqualTo(1));
            Assert.That(run.Log, Has.Count.EqualTo(1).And.Some.Contains(reason));
        }
    }

    [Test]
    public void Fault_K8_KeepOne_AndTheSaveFails_TheOldOneSurvives()
    {
        using var folder = new TestFolder();
        using (var run = new CheckpointRun(folder.Path))
            run.Save(1);
        using var failing = new CheckpointRun(
            folder.Path, FaultyFileSystem.Fail(FileStep.Write, "model.safetensors", NoSpace));
        for (int step = 2; step < 5; step++)
            Assert.That(() => failing.Save(step), Throws.TypeOf<RunException>());
        Assert.That(failing.Names(), Is.EqualTo(new[] { "step-00000001" }));
        CheckpointRun.CheckContent(failing.Store.OpenNewest(isRequired: true)!);
    }

    [Test]
    public void CheckpointStore_DeletionFails_IsOnlyAWarning()
    {
        using var folder = new TestFolder();
        using var run = new CheckpointRun(folder.Path, FaultyFileSystem.Fail(FileStep.Delete, "", NoAccess));
        run.Save(1);
        Assert.That(() => run.Save(2), Throws.Nothing);
        Assert.That(run.Log, Has.Count.EqualTo(1).And.Some.Contains("step-00000001: could not be deleted"));
        Assert.That(run.Store.OpenNewest(isRequired: true)!.Step, Is.EqualTo(2));
    }

    private static int StepsOfASave()
    {
        using var folder = new TestFolder();
        var files = new FaultyFileSystem();
        using var run = new CheckpointRun(folder.Path, files);
        run.Save(1);
        files.Steps.Clear();
        run.Save(2);
        return files.Steps.Count;
    }

    private static bool TrySave(CheckpointRun run, long step)
    {
        try
        {
            run.Save(step);
            return true;
        }
        catch (RunException e)
        {
            Assert.That(e.Code, Is.EqualTo(ExitCode.Resources));
            return false;
        }
    }

    /// <summary>Changes a manifest and seals it again, as somebody would who knows the format.</summary>
    private static void WriteManifest(string path, byte[] right, string find, string replace)
    {
        const string Seal = ",\n  \"manifest_sha256\": \"";
        string text = Encoding.UTF8.GetString(right);
        text = text[..text.LastIndexOf(Seal, StringComparison.Ordinal)];
        Assert.That(text, Does.Contain(find));
        text = text.Replace(find, replace, StringComparison.Ordinal);
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        File.WriteAllText(path, text + Seal + hash + "\"\n}\n");
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
