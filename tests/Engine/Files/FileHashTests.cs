using System.Security.Cryptography;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

public sealed class FileHashTests
{
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1 << 20)]
    [TestCase((3 << 20) + 7)]
    public void Hash_IsThatOfAllBytes(int count)
    {
        using var folder = new TestFolder();
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        File.WriteAllBytes(folder.At("file"), bytes);
        Assert.That(FileHash.Of(folder.At("file")), Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(bytes))));
    }

    [Test]
    public void Hash_ThatNobodyWantsAnyMore_Ends()
    {
        using var folder = new TestFolder();
        File.WriteAllBytes(folder.At("file"), new byte[3]);
        Assert.Throws<OperationCanceledException>(() => FileHash.Of(folder.At("file"), new CancellationToken(true)));
    }
}
