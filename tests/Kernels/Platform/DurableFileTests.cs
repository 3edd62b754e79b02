using FastCpt.Kernels.Platform;
using FastCpt.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace FastCpt.Tests.Kernels.Platform;

public sealed class DurableFileTests
{
    [Test]
    public void Sync_AcceptsFilesAndFolders()
    {
        using var folder = new TestFolder();
        using SafeFileHandle file = File.OpenHandle(folder.At("a"), FileMode.CreateNew, FileAccess.Write);
        RandomAccess.Write(file, "x"u8, 0);
        Assert.That(() => DurableFile.Sync(file, "a"), Throws.Nothing);
        Assert.That(() => DurableFile.SyncFolder(folder.Path), Throws.Nothing);
    }

    [Test]
    [Platform(Include = "Linux")]
    public void Fault_K3_Sync_ReportsWhatTheSystemAnswers()
    {
        // A pipe cannot be synced: the system answers EINVAL, which the platform's own Flush(true) would hide.
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out);
        using var file = new SafeFileHandle(pipe.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        IOException error = Assert.Throws<IOException>(() => DurableFile.Sync(file, "weights.bin"))!;
        Assert.That(error.HResult, Is.EqualTo(22));
        Assert.That(error.Message, Does.StartWith("weights.bin: fsync failed:"));
    }

    [Test]
    [Platform(Exclude = "Win")]
    public void SyncFolder_ReportsAMissingFolder()
    {
        IOException error = Assert.Throws<IOException>(() => DurableFile.SyncFolder("/no/such/folder"))!;
        Assert.That(error.HResult, Is.EqualTo(2));
        Assert.That(error.Message, Does.Contain("open failed"));
    }
}
