using System.Security.Cryptography;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

public sealed class FolderWriterTests
{
    [Test]
    public void Crc32C_AgreesWithPublishedValues()
    {
        Assert.That(Crc32C.Of("123456789"u8), Is.EqualTo(0xE3069283));          // the check value of the CRC catalogue
        Assert.That(Crc32C.Of(new byte[32]), Is.EqualTo(0x8A9136AA));           // RFC 3720, B.4
        Assert.That(Crc32C.Append(Crc32C.Of("1234"u8), "56789"u8), Is.EqualTo(0xE3069283));
    }

    [Test]
    public void FolderWriter_SyncsEveryFile_ThenTheFolder_ThenItsParent()
    {
        using var folder = new TestFolder();
        var files = new FaultyFileSystem();
        using (var writer = new FolderWriter(folder.At("model"), files))
        {
            writer.Write("a", stream => stream.Write("123456789"u8));
            writer.Write("b", stream => stream.Write(new byte[300_000]), 300_000);
            Assert.That(Directory.Exists(folder.At("model")), Is.False);
            writer.Complete();
            Assert.That(writer.Files[0], Is.EqualTo(new FileDigest("a", 9, 0xE3069283,
                Convert.ToHexStringLower(SHA256.HashData("123456789"u8)))));
        }
        Assert.That(files.Steps.Select(s => s.Step), Is.EqualTo(new[]
        {
            FileStep.CreateFolder, FileStep.CreateFile, FileStep.Write, FileStep.Sync, FileStep.CreateFile,
            FileStep.Write, FileStep.Sync, FileStep.SyncFolder, FileStep.Rename, FileStep.SyncFolder,
        }));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.EqualTo(new[] { folder.At("model") }));
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(folder.At("model")), Is.EqualTo(File.GetUnixFileMode(folder.Path)));
    }

    [Test]
    public void FolderWriter_ThatIsNotCompleted_LeavesNothing()
    {
        using var folder = new TestFolder();
        using (var writer = new FolderWriter(folder.At("model")))
            writer.Write("a", stream => stream.WriteByte(1));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.Empty);
    }

    [Test]
    public void FolderWriter_ReplacesOnlyWhenAsked()
    {
        using var folder = new TestFolder();
        Make(folder.At("model"), "old", replace: false);
        RunException error = Assert.Throws<RunException>(() => Make(folder.At("model"), "new", replace: false))!;
        Assert.That(error.Code, Is.EqualTo(ExitCode.Resources));
        Assert.That(File.ReadAllText(folder.At("model/a")), Is.EqualTo("old"));
        Make(folder.At("model"), "new", replace: true);
        Assert.That(File.ReadAllText(folder.At("model/a")), Is.EqualTo("new"));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Has.Length.EqualTo(1));
    }

    [TestCase("")]
    [TestCase("..")]
    [TestCase("a/b")]
    [TestCase("/etc/x")]
    public void FolderWriter_RefusesNamesThatLeaveTheFolder(string name)
    {
        using var folder = new TestFolder();
        using var writer = new FolderWriter(folder.At("model"));
        Assert.That(() => writer.Write(name, _ => { }), Throws.ArgumentException);
    }

    [Test]
    public void FolderWriter_TakesNamesAsLongAsTheFileSystemDoes()
    {
        using var folder = new TestFolder();
        string name = new('é', 127);    // 254 bytes
        Make(folder.At(name), "x", replace: false);
        Assert.That(File.Exists(folder.At(name + "/a")), Is.True);
    }

    [Test]
    public void FileDigest_SaysHowAFileDiffers()
    {
        using var folder = new TestFolder();
        using var writer = new FolderWriter(folder.At("model"));
        writer.Write("a", stream => stream.Write(new byte[3_000_000]));
        writer.Complete();
        FileDigest digest = writer.Files[0];
        string path = folder.At("model/a");
        Assert.That(digest.WhyNot(writer.Path, full: true), Is.Null);

        byte[] bytes = File.ReadAllBytes(path);
        bytes[2_999_999] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.That(digest.WhyNot(writer.Path, full: false), Does.Contain("its bytes have changed"));
        Assert.That((digest with { Crc32C = Crc32C.Of(bytes) }).WhyNot(writer.Path, full: false), Is.Null);
        Assert.That((digest with { Crc32C = Crc32C.Of(bytes) }).WhyNot(writer.Path, full: true),
            Does.Contain("another SHA-256"));
        File.WriteAllBytes(path, bytes[1..]);
        Assert.That(digest.WhyNot(writer.Path, full: false), Does.Contain("2999999 bytes, expected 3000000"));
        File.Delete(path);
        Assert.That(digest.WhyNot(writer.Path, full: false), Does.Contain("No such file"));
    }

    private static void Make(string path, string content, bool replace)
    {
        using var writer = new FolderWriter(path);
        writer.Write("a", stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(content)));
        writer.Complete(replace);
    }
}
