using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

/// <summary>A file is read again when it may have changed, and only then.</summary>
public sealed class FileHashesTests
{
    private static readonly DateTime LongAgo = new(2020, 2, 29, 12, 0, 0, DateTimeKind.Utc);

    private readonly TestFolder _folder = new();

    [OneTimeTearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Hash_OfAFileThatIsAsItWas_IsRemembered_AlsoByOthers()
    {
        using var folder = new TestFolder();
        string path = Write("kept", "a", LongAgo), first = new FileHashes(folder.Path).Of(path);
        Assert.That(first, Is.EqualTo(FileHash.Of(path)));
        string memory = folder.At("hashes.json"), other = new('0', first.Length);
        File.WriteAllText(memory, File.ReadAllText(memory).Replace(first, other));
        Assert.That(new FileHashes(folder.Path).Of(path), Is.EqualTo(other), "it was not read");
    }

    [TestCase("")]
    [TestCase("no hash")]
    [TestCase("ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")]
    public void Hash_ThatIsRememberedAsNone_IsFoundAgain(string other)
    {
        using var folder = new TestFolder();
        string path = Write("kept", "a", LongAgo), first = new FileHashes(folder.Path).Of(path);
        string memory = folder.At("hashes.json");
        File.WriteAllText(memory, File.ReadAllText(memory).Replace(first, other));
        Assert.That(new FileHashes(folder.Path).Of(path), Is.EqualTo(first));
    }

    [Test]
    public void Hash_OfAFileThatTookThePlaceOfAnother_IsItsOwn_WhateverItsTimes()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("Length and time are all that this system tells of a file here.");
        var hashes = new FileHashes(_folder.Path);
        string path = Write("replaced", "a", LongAgo), first = hashes.Of(path);
        File.Move(Write("other", "b", LongAgo), path, overwrite: true);
        Assert.That(hashes.Of(path), Is.EqualTo(FileHash.Of(path)).And.Not.EqualTo(first));
        first = hashes.Of(path);
        Write("replaced", "c", LongAgo);
        Assert.That(hashes.Of(path), Is.EqualTo(FileHash.Of(path)).And.Not.EqualTo(first), "in place");
    }

    [TestCase("b", 1)]
    [TestCase("longer", 0)]
    public void Hash_OfAFileThatChanged_IsAnother(string content, int secondsLater)
    {
        var hashes = new FileHashes(_folder.Path);
        string path = Write($"changed-{content}", "a", LongAgo), first = hashes.Of(path);
        Write($"changed-{content}", content, LongAgo.AddSeconds(secondsLater));
        Assert.That(hashes.Of(path), Is.EqualTo(FileHash.Of(path)).And.Not.EqualTo(first));
    }

    [Test]
    public void Hash_OfAFileThatHasJustChanged_IsNotRemembered()
    {
        DateTime now = DateTime.UtcNow;
        var hashes = new FileHashes(_folder.Path);
        string path = Write("fresh", "a", now), first = hashes.Of(path);
        Write("fresh", "b", now);
        Assert.That(hashes.Of(path), Is.Not.EqualTo(first));
    }

    [TestCase("{")]
    [TestCase("[]")]
    [TestCase("{\"kept\": 3}")]
    public void Hash_WhereTheMemoryIsDamaged_IsRight(string memory)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder.At("hashes.json"), memory);
        string path = Write("other", "a", LongAgo);
        Assert.That(new FileHashes(folder.Path).Of(path), Is.EqualTo(FileHash.Of(path)));
        Assert.That(new FileHashes(folder.At("absent")).Of(path), Is.EqualTo(FileHash.Of(path)));
        Assert.That(Directory.Exists(folder.At("absent")), Is.False);
    }

    private string Write(string name, string content, DateTime changed)
    {
        File.WriteAllText(_folder.At(name), content);
        File.SetLastWriteTimeUtc(_folder.At(name), changed);
        return _folder.At(name);
    }
}
