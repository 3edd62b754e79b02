using FastCpt.Kernels.Platform;
using FastCpt.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace FastCpt.Tests.Kernels.Platform;

public sealed class FileLockTests
{
    [Test]
    public void FileLock_IsGivenOnce_AndItsTextStaysReadable()
    {
        using var folder = new TestFolder();
        string path = folder.At("run.lock");
        using (SafeFileHandle first = FileLock.TryOpen(path)!)
        {
            Assert.That(first, Is.Not.Null);
            RandomAccess.Write(first, "me"u8, 0);
            Assert.That(FileLock.TryOpen(path), Is.Null);
            using SafeFileHandle reader = FileLock.OpenBeside(path);
            var text = new byte[2];
            Assert.That(RandomAccess.Read(reader, text, 0), Is.EqualTo(2));
            Assert.That(text, Is.EqualTo("me"u8.ToArray()));
        }
        using SafeFileHandle? second = FileLock.TryOpen(path);
        Assert.That(second, Is.Not.Null);
    }
}
