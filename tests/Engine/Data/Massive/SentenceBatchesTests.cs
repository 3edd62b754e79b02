using FastCpt.Engine.Data;
using FastCpt.Engine.Data.Massive;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Data.Massive;

public sealed class SentenceBatchesTests
{
    [Test]
    public void Epochs_HoldEverySentenceOnce_AndTheLastBatchIsSmaller()
    {
        SentenceBatches batches = Batches(["en-US"], 10, perBatch: 4);
        Assert.That((batches.Count, batches.BatchesPerEpoch), Is.EqualTo((10, 3)));
        for (int epoch = 0; epoch < 3; epoch++)
        {
            List<long>[] steps = [.. Enumerable.Range(0, 3).Select(i => Samples(batches, (3 * epoch) + i))];
            Assert.That(steps.Select(samples => samples.Count), Is.EqualTo(new[] { 4, 4, 2 }));
            Assert.That(
                steps.SelectMany(samples => samples),
                Is.EquivalentTo(Enumerable.Range(0, 10).Select(row => LocaleKey.Sample("en-US", row))));
        }

        Assert.That(Samples(batches, 0), Is.Not.EqualTo(Samples(batches, 3)), "epochs have orders of their own");
    }

    [Test]
    public void Steps_AreKnownWithoutThoseBefore()
    {
        SentenceBatches walking = Batches(["en-US", "de-DE"], 50, perBatch: 7);
        string[] walked = [.. Enumerable.Range(0, 40).Select(step => string.Join(' ', Samples(walking, step)))];
        foreach (int step in (int[])[39, 0, 17, 17, 38])
        {
            List<long> alone = Samples(Batches(["en-US", "de-DE"], 50, perBatch: 7), step);
            Assert.That(string.Join(' ', alone), Is.EqualTo(walked[step]));
        }

        Assert.That(walked, Is.Unique);
    }

    /// <summary>A language's order depends on seed and locale alone; one language is the union of one.</summary>
    [Test]
    public void Order_OfALanguage_DependsOnSeedAndLocale()
    {
        SentenceSet english = Sentences.Numbered("en-US", 30), german = Sentences.Numbered("de-DE", 30);
        List<long> Rows(SentenceSet[] sets, ulong seed) =>
            [.. Samples(new SentenceBatches(sets, 30, seed), 0).Select(sample => sample & (MassiveFile.MaxRows - 1))];
        Assert.That(Rows([english], 1), Is.EqualTo(Rows([Sentences.Numbered("en-US", 30)], 1)));
        Assert.That(Rows([english], 1), Is.Not.EqualTo(Rows([german], 1)));
        Assert.That(Rows([english], 1), Is.Not.EqualTo(Rows([english], 2)));
        Assert.That(Rows([english, german], 1), Is.EqualTo(Rows([german, english], 1)));
    }

    [Test]
    public void Unions_ShuffleTheirLocalesTogether()
    {
        SentenceBatches batches = Batches(["en-US", "de-DE", "sw-KE"], 20, perBatch: 60);
        List<long> samples = Samples(batches, 0);
        string[] locales = ["en-US", "de-DE", "sw-KE"];
        Assert.That(samples, Is.EquivalentTo(
            locales.SelectMany(locale => Enumerable.Range(0, 20).Select(row => LocaleKey.Sample(locale, row)))));
        int changes = samples.Zip(samples.Skip(1)).Count(pair => pair.First >> 20 != pair.Second >> 20);
        Assert.That(changes, Is.GreaterThan(20));
    }

    [Test]
    public void Batches_HoldSentencesBackToBack()
    {
        SentenceSet set = Sentences.Numbered("en-US", 9);
        var batches = new SentenceBatches([set], 4, 5);
        var batch = new Batch(batches.MaxTokens);
        for (int step = 0; step < 30; step++)
        {
            int count = batches.At(step, batch);
            Assert.That(batch.SegmentCount, Is.EqualTo(count));
            int row = 0;
            for (int i = 0; i < count; i++)
            {
                int sentence = (int)(batch.Samples[i] & (MassiveFile.MaxRows - 1));
                int length = set.Tokens(sentence).Length;
                Assert.That(batch.Segments[(2 * i)..(2 * (i + 1))].ToArray(), Is.EqualTo(new[] { row, row + length }));
                Range rows = row..(row + length);
                Assert.That(batch.TokenIds[rows].SequenceEqual(set.Tokens(sentence)), Is.True);
                Assert.That(batch.Targets[rows].SequenceEqual(set.Targets(sentence)), Is.True);
                Assert.That(batch.Positions[rows].ToArray(), Is.EqualTo(Enumerable.Range(0, length)));
                row += length;
            }

            Assert.That(batch.TokenCount, Is.EqualTo(row));
            Assert.That(batch.PredictedTokens, Is.EqualTo(row - batch.Targets.Count(Backend.IgnoredTarget)));
            Assert.That(batch.PredictedTokens, Is.EqualTo(4 * count), "say, xs, at and a time");
        }
    }

    /// <summary>Several languages in one pass: each appends the step that it is at.</summary>
    [Test]
    public void Batches_OfSeveralLanguages_StandBehindOneAnother()
    {
        SentenceBatches english = Batches(["en-US"], 9, 4), german = Batches(["de-DE"], 9, 4);
        var batch = new Batch(english.MaxTokens + german.MaxTokens);
        english.At(3, batch);
        german.Append(5, batch);
        Assert.That(
            batch.Samples.ToArray(), Is.EqualTo(Samples(english, 3).Concat(Samples(german, 5))));
    }

    [Test]
    public void MaxTokens_AreThoseOfTheLongestSentences()
    {
        SentenceSet set = Sentences.Numbered("en-US", 9);
        int[] lengths = [.. Enumerable.Range(0, 9).Select(i => set.Tokens(i).Length).OrderDescending()];
        Assert.That(new SentenceBatches([set], 2, 1).MaxTokens, Is.EqualTo(lengths[0] + lengths[1]));
        Assert.That(new SentenceBatches([set], 20, 1).MaxTokens, Is.EqualTo(set.TokenCount));
        Assert.That(set.LongestSentence, Is.EqualTo(lengths[0]));
    }

    [Test]
    public void Fill_TakesSentencesInOrder_AsManyAsFit()
    {
        SentenceSet set = Sentences.Numbered("en-US", 9);
        var batch = new Batch(set.LongestSentence + 5);
        var seen = new List<long>();
        for (int first = 0; first < set.Count; first += set.Fill(first, batch))
        {
            set.Fill(first, batch);
            seen.AddRange(batch.Samples.ToArray());
        }

        Assert.That(seen, Is.EqualTo(Enumerable.Range(0, 9).Select(set.Sample)));
        Assert.That(() => set.Fill(0, new Batch(3)), Throws.ArgumentException);
    }

    [Test]
    public void Sets_OfOneLocaleTwice_AreRefused() => Assert.That(
        () => Batches(["en-US", "en-US"], 3, 2), Throws.ArgumentException);

    private static SentenceBatches Batches(string[] locales, int sentences, int perBatch) =>
        new(locales.Select(locale => Sentences.Numbered(locale, sentences)), perBatch, seed: 11);

    private static List<long> Samples(SentenceBatches batches, long step)
    {
        var batch = new Batch(batches.MaxTokens);
        batches.At(step, batch);
        return [.. batch.Samples.ToArray()];
    }
}
