using System.Security.Cryptography;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

public sealed class PassingHashTests
{
    private const int Length = 1_500_001;

    [TestCase("", TestName = "PassingHash_ReadsWhatNeverPasses")]
    [TestCase("8-100 100-1000000 1000000-1500001", TestName = "PassingHash_TakesWhatPassesInOrder")]
    [TestCase("500-600 700-900 1200000-1300000", TestName = "PassingHash_ReadsWhatIsLeftOut")]
    [TestCase("1000-2000 8-1000 1500-2500 2000-2100", TestName = "PassingHash_TakesEveryByteOnce")]
    public void Hash(string passes)
    {
        using var folder = new TestFolder();
        byte[] bytes = new byte[Length];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(folder.At("file"), bytes);
        using InputFile file = InputFile.Open(folder.At("file"), ExitCode.ModelFile);
        using var hash = new PassingHash(file);
        foreach (string pass in passes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int[] ends = [.. pass.Split('-').Select(int.Parse)];
            hash.Pass(ends[0], bytes.AsSpan(ends[0]..ends[1]), CancellationToken.None);
        }
        Assert.That(hash.Finish(CancellationToken.None), Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(bytes))));
    }

    [Test]
    public void PassingHash_StopsReadingWhenNobodyWantsIt()
    {
        using var folder = new TestFolder();
        File.WriteAllBytes(folder.At("file"), new byte[10]);
        using InputFile file = InputFile.Open(folder.At("file"), ExitCode.ModelFile);
        using var hash = new PassingHash(file);
        Assert.That(() => hash.Finish(new CancellationToken(true)), Throws.TypeOf<OperationCanceledException>());
    }
}
