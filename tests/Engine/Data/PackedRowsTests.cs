using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

public sealed class PackedRowsTests
{
    private const int T = 16;

    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Fact27_WrappedRows_PreserveTheTokenStream([Values(1, 2, 999, 1000, 1001, 2500)] int documentCount)
    {
        using TokenShard shard = Shard(documentCount);
        PackedRows rows = PackedRows.Of(PackingMode.Wrapped, shard, shard.Training, T);
        int row = 0;
        for (int group = 0; group < documentCount; group += WrappedRows.GroupDocuments)
        {
            int[] stream = [.. shard.Training.Skip(group).Take(WrappedRows.GroupDocuments).SelectMany(shard.Tokens)];
            for (int start = 0; start < stream.Length; start += T, row++)
            {
                int end = Math.Min(start + T, stream.Length);
                Batch batch = Row(rows, row);
                Assert.That(batch.TokenIds.ToArray(), Is.EqualTo(stream[start..end]), $"row {row}");
                int[] targets = [.. stream[(start + 1)..end], Backend.IgnoredTarget];
                Assert.That(batch.Targets.ToArray(), Is.EqualTo(targets));
                Assert.That(rows.PredictedTokens(row), Is.EqualTo(batch.PredictedTokens).And.EqualTo(end - start - 1));
            }
        }

        Assert.That(row, Is.EqualTo(rows.RowCount));
        Assert.That(rows.TokenCount, Is.EqualTo(shard.Training.Sum(d => (long)d.Count)));
    }

    [Test]
    public void Fact28_WrappedRows_AreOneSegmentAcrossDocumentEnds_WithPositionsFromZero()
    {
        using TokenShard shard = Shard(100);
        PackedRows rows = PackedRows.Of(PackingMode.Wrapped, shard, shard.Training, T);
        int crossings = 0;
        for (int row = 0; row < rows.RowCount - 1; row++)
        {
            Batch batch = Row(rows, row);
            Assert.That(batch.Segments.ToArray(), Is.EqualTo((int[])[0, T]));
            Assert.That(batch.Positions.ToArray(), Is.EqualTo(Enumerable.Range(0, T)));
            crossings += batch.TokenIds[..^1].Contains(ByteTokenizer.End) ? 1 : 0;
        }

        Assert.That(crossings, Is.GreaterThan(rows.RowCount / 4));
    }

    [TestCase(PackingMode.Isolated)]
    [TestCase(PackingMode.Wrapped)]
    public void Rows_UseEveryTokenOnce(PackingMode mode)
    {
        using TokenShard shard = Shard(300);
        PackedRows rows = PackedRows.Of(mode, shard, shard.Training, T);
        List<int> inputs = [], targets = [];
        for (int row = 0; row < rows.RowCount; row++)
        {
            Batch batch = Row(rows, row);
            inputs.AddRange(batch.TokenIds);
            targets.AddRange(batch.Targets.ToArray().Where(target => target != Backend.IgnoredTarget));
        }

        int[][] documents = [.. shard.Training.Select(shard.Tokens)];
        bool isWrapped = mode == PackingMode.Wrapped;
        int[] expected = [.. documents.SelectMany(tokens => isWrapped ? tokens : tokens[..^1])];
        Assert.That(inputs.Order(), Is.EqualTo(expected.Order()));
        Assert.That(inputs, Has.Count.EqualTo(rows.TokenCount));
        Assert.That(targets, Has.Count.EqualTo(rows.PredictedTokenCount));
        if (!isWrapped)
            Assert.That(targets.Order(), Is.EqualTo(documents.SelectMany(tokens => tokens[1..]).Order()));
    }

    [Test]
    public void IsolatedRows_HoldWholeDocuments_UnlessLongerThanARow()
    {
        using TokenShard shard = Shard(300);
        PackedRows rows = PackedRows.Of(PackingMode.Isolated, shard, shard.Training, T);
        HashSet<string> segments = [];
        for (int row = 0; row < rows.RowCount; row++)
        {
            Batch batch = Row(rows, row);
            Assert.That(batch.TokenCount, Is.InRange(1, T));
            foreach ((int[] ids, int[] targets, int[] positions) in Segments(batch))
            {
                Assert.That(positions, Is.EqualTo(Enumerable.Range(0, ids.Length)));
                Assert.That(targets[..^1], Is.EqualTo(ids[1..]));
                segments.Add(string.Join(' ', [.. ids, targets[^1]]));
            }
        }

        foreach (int[] tokens in shard.Training.Select(shard.Tokens))
            for (int first = 0; first < tokens.Length - 1; first += T)
            {
                int end = Math.Min(first + T + 1, tokens.Length);
                Assert.That(segments, Does.Contain(string.Join(' ', tokens[first..end])));
            }
    }

    [Test]
    public void IsolatedRows_AreFilledWell()
    {
        using TokenShard shard = Shard(2000);
        PackedRows rows = PackedRows.Of(PackingMode.Isolated, shard, shard.Training, 128);
        // The lower bound is a row for every 128 tokens; best-fit decreasing is close to it on short documents.
        Assert.That(rows.RowCount, Is.LessThanOrEqualTo((rows.TokenCount / 128 * 1.01) + 1));
    }

    [Test]
    public void IsolatedRows_FitAsTextbookBestFitDecreasingDoes([Values(7, 64, 65, 200)] int rowTokens)
    {
        using TokenShard shard = Shard(500);
        PackedRows rows = PackedRows.Of(PackingMode.Isolated, shard, shard.Training, rowTokens);
        List<int> room = [];
        foreach (int length in shard.Training.SelectMany(d => Pieces(d.Count - 1, rowTokens)).OrderDescending())
        {
            int best = -1;
            for (int i = 0; i < room.Count; i++)
                if (room[i] >= length && (best < 0 || room[i] < room[best]))
                    best = i;
            if (best < 0)
                room.Add(rowTokens - length);
            else
                room[best] -= length;
        }

        int[] filled = [.. Enumerable.Range(0, rows.RowCount).Select(rows.PredictedTokens)];
        Assert.That(filled.Order(), Is.EqualTo(room.Select(left => rowTokens - left).Order()));
    }

    [TestCase(PackingMode.Isolated)]
    [TestCase(PackingMode.Wrapped)]
    public void Bytes_AddUpToThoseOfTheDocuments(PackingMode mode)
    {
        using TokenShard shard = Shard(300);
        PackedRows rows = PackedRows.Of(mode, shard, shard.Training, T);
        long sum = 0, unpredicted = 0;
        for (int row = 0; row < rows.RowCount; row++)
        {
            sum += Row(rows, row).PredictedBytes;
            // A wrapped row's first token is one byte of text at most, and is predicted nowhere.
            unpredicted += mode == PackingMode.Wrapped ? 1 : 0;
        }

        long all = shard.Training.Sum(d => (long)d.PredictedBytes);
        Assert.That(sum, Is.InRange(all - unpredicted, all));
    }

    [TestCase(PackingMode.Isolated)]
    [TestCase(PackingMode.Wrapped)]
    public void Segments_HaveNumbersOfTheirOwn(PackingMode mode)
    {
        using TokenShard shard = Shard(300);
        PackedRows rows = PackedRows.Of(mode, shard, shard.Training, T);
        List<long> samples = [];
        for (int row = 0; row < rows.RowCount; row++)
            samples.AddRange(Row(rows, row, firstSample: 1000).Samples);
        Assert.That(samples.Order(), Is.EqualTo(Enumerable.Range(1000, (int)rows.SegmentCount)));
    }

    [Test]
    public void Rows_AreEqualTokensWhateverTheRowBefore()
    {
        using TokenShard shard = Shard(300);
        foreach (PackingMode mode in Enum.GetValues<PackingMode>())
        {
            PackedRows rows = PackedRows.Of(mode, shard, shard.Training, T);
            int[] alone = Row(rows, 5).TokenIds.ToArray();
            Row(rows, rows.RowCount - 1);
            Assert.That(Row(rows, 5).TokenIds.ToArray(), Is.EqualTo(alone));
        }
    }

    private static IEnumerable<int> Pieces(int length, int limit)
    {
        for (; length > 0; length -= limit)
            yield return Math.Min(length, limit);
    }

    private static Batch Row(PackedRows rows, int row, long firstSample = 0)
    {
        var batch = new Batch(rows.RowTokens);
        rows.Append(row, firstSample, batch);
        return batch;
    }

    private static List<(int[] Ids, int[] Targets, int[] Positions)> Segments(Batch batch)
    {
        List<(int[], int[], int[])> segments = [];
        for (int i = 0; i < batch.SegmentCount; i++)
        {
            Range range = batch.Segments[2 * i]..batch.Segments[(2 * i) + 1];
            segments.Add((
                batch.TokenIds[range].ToArray(), batch.Targets[range].ToArray(), batch.Positions[range].ToArray()));
        }

        return segments;
    }

    /// <summary>Documents of 3 to 42 tokens.</summary>
    private TokenShard Shard(int count) =>
        _folder.Shard(Enumerable.Range(0, count).Select(i => $"{(char)('a' + (i % 26))}{new string('x', i * 7 % 40)}"));
}
