using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

/// <summary>Whole sentences in rows, and what a mask hides of them.</summary>
public sealed class MaskedRowsTests
{
    private const int T = 16, Mask = 259, Vocabulary = 260;
    private static readonly int[] Special = [0, ByteTokenizer.Begin, ByteTokenizer.End, 50, Mask];

    private TestFolder _folder = null!;
    private TokenShard _shard = null!;

    [SetUp]
    public void CreateShard()
    {
        _folder = new TestFolder();
        _shard = _folder.Shard(Enumerable.Range(0, 400).Select(
            i => $"{(char)('a' + (i % 26))}{new string('x', i * 7 % 40)}{(char)('A' + (i % 26))}"));
    }

    [TearDown]
    public void DeleteFolder()
    {
        _shard.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void SentenceRows_HoldWholeDocuments_EachPieceBetweenItsEnds()
    {
        var rows = new SentenceRows(_shard, _shard.Training, T);
        var found = new SortedDictionary<long, int[]>();
        var batch = new Batch(T);
        for (int row = 0; row < rows.RowCount; row++)
        {
            batch.Clear();
            rows.Append(row, firstSample: 100, batch);
            Assert.That(batch.TokenCount, Is.InRange(3, T));
            Assert.That(batch.Targets.ToArray(), Is.All.EqualTo(Backend.IgnoredTarget));
            Assert.That(rows.PredictedTokens(row), Is.EqualTo(batch.TokenCount - (2 * batch.SegmentCount)));
            for (int i = 0; i < batch.SegmentCount; i++)
            {
                Range range = batch.Segments[2 * i]..batch.Segments[(2 * i) + 1];
                int[] ids = batch.TokenIds[range].ToArray();
                Assert.That((ids[0], ids[^1]), Is.EqualTo((ByteTokenizer.Begin, ByteTokenizer.End)));
                Assert.That(batch.Positions[range].ToArray(), Is.EqualTo(Enumerable.Range(0, ids.Length)));
                Assert.That(
                    batch.RowKeys[range].ToArray(),
                    Is.EqualTo(Enumerable.Range(0, ids.Length).Select(p => (batch.Samples[i] << 20) + p)));
                found.Add(batch.Samples[i], ids);
            }
        }

        // Pieces are numbered in document order, so that side by side they are the documents again.
        Assert.That(found.Keys, Is.EqualTo(Enumerable.Range(100, (int)rows.SegmentCount)));
        Assert.That(
            found.Values.SelectMany(ids => ids[1..^1]),
            Is.EqualTo(_shard.Training.SelectMany(document => _shard.Tokens(document)[1..^1])));
        Assert.That(found.Values.Sum(ids => ids.Length), Is.EqualTo(rows.TokenCount));
        Assert.That(rows.PredictedTokenCount, Is.EqualTo(rows.TokenCount - (2 * rows.SegmentCount)));
    }

    [Test]
    public void Mask_HidesTheSharesThatItSays_AndNoSpecialToken()
    {
        BatchSource source = Source(seed: 3);
        long all = 0, predicted = 0, masked = 0, kept = 0;
        for (int step = 0; step < 200; step++)
        {
            Batch batch = source.At(step, 0);
            int[] ids = batch.TokenIds.ToArray(), targets = batch.Targets.ToArray();
            for (int row = 0; row < ids.Length; row++)
            {
                int original = targets[row] == Backend.IgnoredTarget ? ids[row] : targets[row];
                bool isSpecial = Special.Contains(original);
                all += isSpecial ? 0 : 1;
                if (targets[row] == Backend.IgnoredTarget)
                    continue;
                Assert.That(isSpecial, Is.False);
                predicted++;
                masked += ids[row] == Mask ? 1 : 0;
                kept += ids[row] == original ? 1 : 0;
                Assert.That(ids[row] == Mask || !Special.Contains(ids[row]), Is.True);
                Assert.That(ids[row], Is.InRange(0, Vocabulary - 1));
            }

            Assert.That(batch.PredictedTokens, Is.EqualTo(targets.Count(target => target >= 0)));
        }

        // Within four standard deviations of a binomial; a random piece is the same one time in 255.
        Within(predicted, all, 0.15);
        Within(masked, predicted, 0.8);
        Within(kept, predicted, 0.1 + (0.1 / 255));

        static void Within(double count, double of, double share) =>
            Assert.That(count / of, Is.EqualTo(share).Within(4 * Math.Sqrt(share * (1 - share) / of)));
    }

    [Test]
    public void Mask_DependsOnSeedStepAndSample_NotOnTheBatch()
    {
        BatchSource source = Source(seed: 3), narrow = Source(seed: 3, rows: 1, batches: 4), other = Source(seed: 4);
        var whole = Sentences(source.At(5, 0));
        var parts = Enumerable.Range(0, 4).SelectMany(micro => Sentences(narrow.At(5, micro)))
            .ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.That(parts, Is.EqualTo(whole));
        Assert.That(source.PredictedTokens(5), Is.EqualTo(source.At(5, 0).PredictedTokens)
            .And.EqualTo(narrow.PredictedTokens(5)));
        // The same rows under another seed of the mask.
        Assert.That(Sentences(other.At(5, 0)), Is.Not.EqualTo(whole));
        Assert.That(Sentences(source.At(5, 0)), Is.EqualTo(whole));
    }

    /// <summary>One language of one row sees it again at every step, hidden in another way.</summary>
    [Test]
    public void Mask_IsAnotherAtEveryStep()
    {
        using TokenShard shard = _folder.Shard(["abcdefghijklmnopqrstuvwxyz"], code: "one");
        var mixture = Mixture.Concatenate([new MixturePart("xx", new SentenceRows(shard, shard.Training, 32))], 1);
        var source = new BatchSource(mixture, 1, 1, new TokenMask(Mask, Special, Vocabulary, 1));
        var seen = Enumerable.Range(0, 20).Select(step => string.Join(' ', source.At(step, 0).Targets.ToArray()));
        Assert.That(seen.Distinct().Count(), Is.GreaterThan(15));
    }

    [Test]
    public void Validation_HidesTheSameTokens_WhateverTheBatchSize()
    {
        var mask = new TokenMask(Mask, Special, Vocabulary, seed: 9);
        var wide = new ValidationSource("xx", _shard, _shard.Training, 32, 1000, mask);
        var narrow = new ValidationSource("xx", _shard, _shard.Training, 32, 32, mask);
        Assert.That(
            (narrow.PredictedTokens, narrow.PredictedBytes), Is.EqualTo((wide.PredictedTokens, wide.PredictedBytes)));
        Assert.That(All(narrow), Is.EqualTo(All(wide)));
        long text = _shard.Training.Sum(document => (long)document.PredictedBytes);
        // A seventh of the text is predicted, and each of its tokens is a byte here.
        Assert.That(wide.PredictedBytes, Is.EqualTo(0.15 * text).Within(0.02 * text));

        static List<(int, int)> All(ValidationSource source) =>
            [.. Enumerable.Range(0, source.BatchCount).SelectMany(index =>
            {
                Batch batch = source.At(index);
                return batch.TokenIds.ToArray().Zip(batch.Targets.ToArray());
            })];
    }

    [Test]
    public void Mask_NeedsATokenizerWithEndsAndAMask()
    {
        RunException? refused = Assert.Throws<RunException>(() => TokenMask.Of(new ByteTokenizer(), seed: 1));
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain("no mask"));
        refused = Assert.Throws<RunException>(() => TokenMask.Of(new ByteTokenizer(hasEnds: false) { Mask = 9 }, 1));
        Assert.That(refused!.Message, Does.Contain("begin of text"));
    }

    private BatchSource Source(ulong seed, int rows = 4, int batches = 1)
    {
        var mixture = Mixture.Concatenate([new MixturePart("xx", new SentenceRows(_shard, _shard.Training, T))], 1);
        return new BatchSource(mixture, rows, batches, new TokenMask(Mask, Special, Vocabulary, seed));
    }

    /// <summary>By sample: ids and targets.</summary>
    private static Dictionary<long, (string, string)> Sentences(Batch batch)
    {
        var sentences = new Dictionary<long, (string, string)>();
        for (int i = 0; i < batch.SegmentCount; i++)
        {
            Range range = batch.Segments[2 * i]..batch.Segments[(2 * i) + 1];
            sentences.Add(
                batch.Samples[i],
                (string.Join(' ', batch.TokenIds[range].ToArray()), string.Join(' ', batch.Targets[range].ToArray())));
        }

        return sentences;
    }
}
