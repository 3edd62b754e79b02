using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

public sealed class BatchSourceTests
{
    private const int T = 32;

    private TestFolder _folder = null!;
    private readonly List<TokenShard> _shards = [];

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder()
    {
        _shards.ForEach(shard => shard.Dispose());
        _shards.Clear();
        _folder.Dispose();
    }

    [Test]
    public void Batch_AtAStep_IsTheOneReachedByGoingThere(
        [Values] PackingMode mode, [Values] bool isWeighted)
    {
        BatchSource walking = Source(mode, isWeighted);
        List<string> walked = [];
        for (long step = 0; step < 40; step++)
            for (int micro = 0; micro < 2; micro++)
                walked.Add(Text(walking.At(step, micro)));
        Assert.That(walked.Distinct().Count(), Is.GreaterThan(70));
        foreach (int step in new[] { 39, 0, 17, 17, 38 })
            for (int micro = 1; micro >= 0; micro--)
                Assert.That(Text(Source(mode, isWeighted).At(step, micro)), Is.EqualTo(walked[(2 * step) + micro]));
    }

    [Test]
    public void PredictedTokens_OfAStep_AreThoseOfItsBatches([Values] PackingMode mode, [Values] bool isWeighted)
    {
        BatchSource source = Source(mode, isWeighted);
        for (long step = 0; step < 20; step++)
        {
            long sum = source.At(step, 0).PredictedTokens;
            sum += source.At(step, 1).PredictedTokens;
            Assert.That(source.PredictedTokens(step), Is.EqualTo(sum));
        }
    }

    [Test]
    public void Batch_IsConsistent([Values] PackingMode mode)
    {
        BatchSource source = Source(mode, isWeighted: false);
        for (long step = 0; step < 20; step++)
        {
            Batch batch = source.At(step, 0);
            Assert.That(batch.TokenCount, Is.InRange(1, 3 * T));
            Assert.That(batch.Segments[0], Is.Zero);
            Assert.That(batch.Segments[^1], Is.EqualTo(batch.TokenCount));
            for (int i = 2; i < batch.Segments.Length; i += 2)
                Assert.That(batch.Segments[i], Is.EqualTo(batch.Segments[i - 1]));
            int[] lengths = [.. batch.Segments.ToArray().Chunk(2).Select(bounds => bounds[1] - bounds[0])];
            Assert.That(lengths, Has.All.Positive);
            Assert.That(lengths.Max(), Is.EqualTo(batch.LongestSegment));
            Assert.That(batch.PredictedTokens, Is.EqualTo(batch.Targets.ToArray().Count(target => target >= 0)));
            Assert.That(batch.Samples.Length, Is.EqualTo(batch.SegmentCount));
        }
    }

    [Test]
    public void Seeking_ReadsTheRowsOfTheBatchAlone()
    {
        using TokenShard shard = _folder.Shard(Enumerable.Range(0, 4000).Select(i => $"{i} {new string('x', 40)}"));
        // The first block is damaged, which is found when it is read: going step by step would read it.
        byte[] bytes = File.ReadAllBytes(shard.Path);
        bytes[TokenShardFormat.HeadBytes + 100] ^= 1;
        File.WriteAllBytes(shard.Path, bytes);
        PackedRows rows = PackedRows.Of(PackingMode.Wrapped, shard, shard.Training, T);
        Mixture mixture = Mixture.Concatenate([new MixturePart("xx", rows)], 42);
        var source = new BatchSource(mixture, rowsPerBatch: 1, batchesPerStep: 1);

        long far = 1_000_000_000_000;
        while (mixture.At(far).Row < rows.RowCount / 2)
            far++;
        Assert.That(source.At(far, 0).TokenCount, Is.EqualTo(T));
        var error = Assert.Throws<RunException>(() =>
        {
            for (long step = 0; step < mixture.RowCount; step++)
                source.At(step, 0);
        });
        Assert.That(error.Message, Does.Contain("checksum"));
    }

    [Test]
    public void SteadyState_AllocatesNothing([Values] PackingMode mode, [Values] bool isWeighted)
    {
        BatchSource source = Source(mode, isWeighted);
        void Fill()
        {
            for (long step = 0; step < 50; step++)
            {
                source.PredictedTokens(step);
                source.At(step, 0);
                source.At(step, 1);
            }
        }

        Fill();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fill();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void StepOrMicroBatch_OutsideItsRange_Throws()
    {
        BatchSource source = Source(PackingMode.Isolated, isWeighted: false);
        Assert.Throws<ArgumentOutOfRangeException>(() => source.At(-1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.At(0, 2));
        Assert.Throws<OverflowException>(() => source.At(long.MaxValue / 2, 0));
    }

    private BatchSource Source(PackingMode mode, bool isWeighted)
    {
        MixturePart[] parts = [Part("aa", 100, mode) with { Weight = 3 }, Part("bb", 30, mode)];
        Mixture mixture = isWeighted ? Mixture.Weigh(parts, 42) : Mixture.Concatenate(parts, 42);
        return new BatchSource(mixture, rowsPerBatch: 3, batchesPerStep: 2);
    }

    private MixturePart Part(string language, int documents, PackingMode mode)
    {
        TokenShard shard = _folder.Shard(
            Enumerable.Range(0, documents).Select(i => $"{language} {i} {new string('x', i * 7 % 40)}"), language);
        _shards.Add(shard);
        return new MixturePart(language, PackedRows.Of(mode, shard, shard.Training, T));
    }

    private static string Text(Batch batch) => string.Join(' ',
        [.. batch.TokenIds, -9, .. batch.Targets, -9, .. batch.Positions, -9, .. batch.Segments, -9,
            .. batch.Samples.ToArray().Select(sample => (int)sample), batch.PredictedTokens,
            (int)batch.PredictedBytes]);
}
