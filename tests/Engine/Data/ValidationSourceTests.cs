using FastCpt.Engine.Data;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

public sealed class ValidationSourceTests
{
    private TestFolder _folder = null!;
    private TokenShard _shard = null!;

    [SetUp]
    public void CreateShard()
    {
        _folder = new TestFolder();
        _shard = _folder.Shard(Enumerable.Range(0, 60).Select(i => $"{i} {new string('x', i * 7 % 40)}"));
    }

    [TearDown]
    public void DeleteFolder()
    {
        _shard.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void Batches_HoldEachDocumentAlone_InFileOrder([Values(64, 65, 1000, 100_000)] int batchTokens)
    {
        var source = new ValidationSource("xx", _shard, _shard.Training, 64, batchTokens);
        List<int[]> documents = [];
        for (int index = 0; index < source.BatchCount; index++)
        {
            Batch batch = source.At(index);
            Assert.That(batch.TokenCount, Is.InRange(1, batchTokens));
            for (int i = 0; i < batch.SegmentCount; i++)
            {
                Range range = batch.Segments[2 * i]..batch.Segments[(2 * i) + 1];
                int[] ids = batch.TokenIds[range].ToArray();
                documents.Add([.. ids, batch.Targets[range][^1]]);
                Assert.That(batch.Positions[range].ToArray(), Is.EqualTo(Enumerable.Range(0, ids.Length)));
            }
        }

        Assert.That(documents, Is.EqualTo(_shard.Training.Select(_shard.Tokens)));
    }

    [Test]
    public void Sums_DoNotDependOnTheBatchSizeOrTheContext(
        [Values(5, 16, 64)] int maxSegmentTokens, [Values(64, 333)] int batchTokens)
    {
        var source = new ValidationSource("xx", _shard, _shard.Training, maxSegmentTokens, batchTokens);
        long tokens = 0, bytes = 0;
        for (int index = 0; index < source.BatchCount; index++)
        {
            Batch batch = source.At(index);
            Assert.That(batch.LongestSegment, Is.LessThanOrEqualTo(maxSegmentTokens));
            tokens += batch.PredictedTokens;
            bytes += batch.PredictedBytes;
        }

        // Every token but the first of a document is predicted, the end included; with ends, all bytes count.
        Assert.That(tokens, Is.EqualTo(source.PredictedTokens).And.EqualTo(_shard.Training.Sum(d => d.Count - 1)));
        Assert.That(bytes, Is.EqualTo(source.PredictedBytes).And.EqualTo(_shard.Training.Sum(d => d.Count - 2)));
    }

    [Test]
    public void Fact31_TheFirstToken_IsNotPredicted()
    {
        var source = new ValidationSource("xx", _shard, _shard.Training, 64, 100_000);
        Batch batch = source.At(0);
        Assert.That(batch.Targets.ToArray(), Has.None.EqualTo(ByteTokenizer.Begin));
        Assert.That(batch.Targets.ToArray(), Has.None.EqualTo(Backend.IgnoredTarget));
        Assert.That(batch.Targets.ToArray().Count(target => target == ByteTokenizer.End), Is.EqualTo(60));
    }

    [Test]
    public void Sample_IsChosenByTheSeed_InFileOrder()
    {
        IReadOnlyList<DocumentTokens> ten = ValidationSource.Sample(_shard.Training, 10, 42);
        Assert.That(ten.Select(d => d.Start), Is.Unique.And.Ordered);
        Assert.That(ten, Has.Count.EqualTo(10).And.SubsetOf(_shard.Training));
        Assert.That(ValidationSource.Sample(_shard.Training, 10, 42), Is.EqualTo(ten));
        Assert.That(ValidationSource.Sample(_shard.Training, 10, 43), Is.Not.EqualTo(ten));
        Assert.That(ValidationSource.Sample(_shard.Training, 60, 42), Is.EqualTo(_shard.Training));
    }

    [Test]
    public void OverAll_TakesTheDocumentsOfAllLanguagesTogether()
    {
        IReadOnlyList<DocumentTokens> first = [.. _shard.Training.Take(40)], second = [.. _shard.Training.Skip(40)];
        IReadOnlyList<IReadOnlyList<DocumentTokens>> chosen = ValidationText.OverAll([first, second, []], 12, 42);
        Assert.That(chosen.Sum(language => language.Count), Is.EqualTo(12));
        Assert.That(chosen.Select(language => language.Count), Has.None.EqualTo(12), "both have some of them");
        Assert.That(chosen[0], Is.SubsetOf(first));
        Assert.That(chosen[1], Is.SubsetOf(second));
        Assert.That(chosen[2], Is.Empty);
        // One list or several: the same choice.
        IReadOnlyList<DocumentTokens> asOne = ValidationSource.Sample(_shard.Training, 12, 42);
        Assert.That(chosen.SelectMany(language => language), Is.EqualTo(asOne));
        foreach (int enough in new[] { 0, 60 })
            Assert.That(ValidationText.OverAll([first, second], enough, 42),
                Is.EqualTo((DocumentTokens[][])[[.. first], [.. second]]));
    }

    [Test]
    public void SteadyState_AllocatesNothing()
    {
        var source = new ValidationSource("xx", _shard, _shard.Training, 16, 64);
        source.At(0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int index = 0; index < source.BatchCount; index++)
            source.At(index);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }
}
