using System.Text;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

public sealed class AtomicFileTests
{
    private const string Old = "the old content", New = "the new content, which is longer";

    [Test]
    public void AtomicFile_SyncsBeforeAndAfterTheRename()
    {
        using var folder = new TestFolder();
        var files = new FaultyFileSystem();
        AtomicFile.Write(folder.At("a.json"), "x"u8, files);
        Assert.That(files.Steps.Select(s => s.Step), Is.EqualTo(new[]
        {
            FileStep.CreateFile, FileStep.Write, FileStep.Sync, FileStep.Rename, FileStep.SyncFolder,
        }));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Has.Length.EqualTo(1));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    public void AtomicFile_KeepsTheOldFileWhenAStepFails(int step)
    {
        using var folder = new TestFolder();
        string path = folder.At("a.json");
        File.WriteAllText(path, Old);
        var files = new FaultyFileSystem
        {
            Fault = (n, _, _) =>
            {
                if (n == step)
                    throw new IOException("injected", 28);
            },
        };
        RunException error = Assert.Throws<RunException>(
            () => AtomicFile.Write(path, Encoding.UTF8.GetBytes(New), files))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(error.Message, Does.StartWith(path));
        Assert.That(File.ReadAllText(path), Is.EqualTo(Old));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Has.Length.EqualTo(1), "temporary file");
    }

    [Test]
    public void AtomicFile_KeepsTheOldFileWhenItsContentThrows()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("a"), Old);
        Assert.That(
            () => AtomicFile.Write(folder.At("a"), _ => throw new InvalidOperationException("stop")),
            Throws.InvalidOperationException);
        Assert.That(File.ReadAllText(folder.At("a")), Is.EqualTo(Old));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Has.Length.EqualTo(1));
    }

    [Test, Category("slow")]
    public void AtomicFile_KilledAtAnyStep_LeavesTheOldOrTheNewContent()
    {
        for (int step = 1; step <= 5; step++)
        {
            using var folder = new TestFolder();
            string path = folder.At("a.json");
            File.WriteAllText(path, Old);
            var (code, output) = ChildProcess.RunToEnd("replace-file", path, step.ToString());
            Assert.That(code, Is.EqualTo(137), output);
            Assert.That(File.ReadAllText(path), Is.EqualTo(step == 5 ? New : Old), $"killed before step {step}");
            using (RunLock held = RunLock.Take(folder.Path))
                AtomicFile.Sweep(folder.Path, held, _ => { });
            Assert.That(Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName),
                Is.EquivalentTo(new[] { "a.json", RunLock.FileName }));
        }
    }

    [Test]
    public void Fault_K10_SweepsOnlyLeftoversOfThisHost()
    {
        using var folder = new TestFolder();
        using RunLock held = RunLock.Take(folder.Path);
        string own = Path.GetFileName(Leftovers.TemporaryFor(folder.At("a.json")));
        string trash = Path.GetFileName(Leftovers.TrashFor(folder.At("step-00000001")));
        string foreign = own.Replace(own[5..13], "00000000");
        string[] kept = [foreign, ".tmp-other", ".tmp-file-a", "a", ".hidden", own[1..], own[..20]];
        foreach (string name in (string[])[own, .. kept])
            File.WriteAllText(folder.At(name), "");
        Directory.CreateDirectory(folder.At(trash + "/inner"));
        var log = new List<string>();
        AtomicFile.Sweep(folder.Path, held, log.Add);
        Assert.That(Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName),
            Is.EquivalentTo((string[])[RunLock.FileName, .. kept]));
        Assert.That(log, Has.Count.EqualTo(3).And.Some.Contains("left by another host"));
    }

    [Test]
    public void FileWriter_WritesWhatItIsGiven_InFewSteps()
    {
        using var folder = new TestFolder();
        var files = new FaultyFileSystem();
        var random = new Random(1);
        var expected = new MemoryStream();
        using (var writer = new FileWriter(files, folder.At("a")))
        {
            foreach (int length in new[] { 1, 0, 100_000, 262_144, 262_143, 2, 600_000, 3 })
            {
                var bytes = new byte[length];
                random.NextBytes(bytes);
                expected.Write(bytes);
                writer.Write(bytes);
                Assert.That(writer.Length, Is.EqualTo(expected.Length));
            }
            writer.Complete();
        }
        Assert.That(File.ReadAllBytes(folder.At("a")).AsSpan().SequenceEqual(expected.ToArray()), Is.True);
        Assert.That(files.Steps.Count(s => s.Step == FileStep.Write), Is.LessThanOrEqualTo(6));
    }

    [Test]
    public void FileWriter_DoesNotOverwrite()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("a"), Old);
        Assert.That(() => new FileWriter(FileSystem.Real, folder.At("a")), Throws.InstanceOf<IOException>());
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void DeleteFolder_DoesNotFollowLinks()
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder.At("kept"));
        File.WriteAllText(folder.At("kept/file"), Old);
        Directory.CreateDirectory(folder.At("gone/inner"));
        File.WriteAllText(folder.At("gone/inner/file"), Old);
        Directory.CreateSymbolicLink(folder.At("gone/link"), folder.At("kept"));
        FileSystem.Real.DeleteFolder(folder.At("gone"));
        Assert.That(Directory.Exists(folder.At("gone")), Is.False);
        Assert.That(File.Exists(folder.At("kept/file")), Is.True);
    }

    /// <summary>The child of the kill test: replaces a file and dies before a step.</summary>
    internal static int ReplaceFile(string path, int step)
    {
        AtomicFile.Write(path, Encoding.UTF8.GetBytes(New), FaultyFileSystem.KillBefore(step));
        return 0;
    }
}
