using System.Diagnostics;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

public sealed class InputFileTests
{
    [Test]
    public void InputFile_SaysWhyAFileCannotBeRead()
    {
        using var folder = new TestFolder();
        foreach (var (path, reason) in new[]
        {
            (folder.At("none"), "No such file"), (folder.Path, "is a folder"),
            ("a\0b", "NUL"), ("", "cannot be opened"),
        })
        {
            RunException error = Assert.Throws<RunException>(() => InputFile.Open(path, ExitCode.ModelFile))!;
            Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
            Assert.That(error.Message, Does.StartWith(path).And.Contain(reason));
        }
    }

    [Test]
    [Platform(Include = "Linux")]
    public void InputFile_DoesNotWaitOnAPipe()
    {
        using var folder = new TestFolder();
        using (Process process = Process.Start("mkfifo", folder.At("pipe")))
            process.WaitForExit();
        Assert.That(() => InputFile.Open(folder.At("pipe"), ExitCode.Config),
            Throws.TypeOf<RunException>().With.Message.Contains("is a pipe or a device"));
    }

    [Test]
    public void Fault_M5_FileShortenedAfterOpening_IsAnError()
    {
        using var folder = new TestFolder();
        File.WriteAllBytes(folder.At("a"), new byte[100]);
        using InputFile file = InputFile.Open(folder.At("a"), ExitCode.ModelFile);
        var bytes = new byte[10];
        Assert.That(() => file.Read(90, bytes), Throws.Nothing);
        using (FileStream writer = new(folder.At("a"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            writer.SetLength(95);
        Assert.That(() => file.Read(90, bytes),
            Throws.TypeOf<RunException>().With.Message.Contains("ends at byte 95, expected 100"));
    }
}
