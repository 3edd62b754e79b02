using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Config;

public sealed class OutputFolderTests
{
    [Test]
    public void OutputFolder_IsCreatedAndLeftEmpty()
    {
        using var folder = new TestFolder();
        OutputFolder.Prepare(folder.At("a/b"));
        Assert.That(Directory.EnumerateFileSystemEntries(folder.At("a/b")), Is.Empty);
    }

    [Test]
    public void Fault_C3_UnusableOutputFolder_IsRefused()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("file"), "");
        List<string> unusable = [folder.At("file"), folder.At("file/inside"), folder.At(new string('n', 256))];
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(folder.At("loop"), folder.At("loop"));
            unusable.Add(folder.At("loop/inside"));
        }
        if (OperatingSystem.IsLinux())
            unusable.Add("/proc/fastcpt");      // a file system that takes no new folders, not even from root
        foreach (string path in unusable)
        {
            RunException error = Assert.Throws<RunException>(() => OutputFolder.Prepare(path), path)!;
            Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
            Assert.That(error.Message, Does.StartWith(path + ": cannot be used for output: "));
        }
    }

    [Test]
    public void OutputFolder_AcceptsNamesOf255Bytes()
    {
        using var folder = new TestFolder();
        Assert.That(() => OutputFolder.Prepare(folder.At(new string('n', 255))), Throws.Nothing);
    }

    [Test]
    public void Fault_C3_FolderWithoutPermission_IsRefused()
    {
        if (Environment.UserName == "root")
            Assert.Ignore("Root may write anywhere.");
        using var folder = new TestFolder();
        string locked = Directory.CreateDirectory(folder.At("locked")).FullName;
        if (OperatingSystem.IsWindows())
            Assert.Ignore("Permission bits are not there on Windows.");
        else
            File.SetUnixFileMode(locked, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.That(() => OutputFolder.Prepare(locked), Throws.TypeOf<RunException>().With.Message.Contains("denied"));
    }
}
