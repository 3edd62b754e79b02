using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

public sealed class MixtureTests
{
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
    public void Concatenation_GivesEveryRowOfEveryLanguageOncePerEpoch_InAnotherOrderEachTime()
    {
        Mixture mixture = Mixture.Concatenate([Part("aa", 50), Part("bb", 7), Part("cc", 200)], 42);
        (int, int)[] all = [.. mixture.Parts.SelectMany((part, i) =>
            Enumerable.Range(0, part.Rows.RowCount).Select(row => (i, row)))];
        (int, int)[] Epoch(long epoch) =>
            [.. Enumerable.Range(0, (int)mixture.RowCount).Select(i => mixture.At((epoch * mixture.RowCount) + i))];
        Assert.That(Epoch(0).Order(), Is.EqualTo(all));
        Assert.That(Epoch(1).Order(), Is.EqualTo(all));
        Assert.That(Epoch(1000).Order(), Is.EqualTo(all));
        Assert.That(Epoch(0), Is.Not.EqualTo(Epoch(1)).And.Not.EqualTo(all));
    }

    [Test]
    public void Weights_AreMetByTokens()
    {
        // Rows of the third language are a quarter as full, so it needs four times the rows of its weight.
        MixturePart[] parts =
        [
            Part("aa", 300, 40) with { Weight = 45 }, Part("bb", 90, 40) with { Weight = 45 },
            Part("cc", 200, 8, PackingMode.Wrapped) with { Weight = 7.5 }, Part("dd", 50, 40) with { Weight = 2.5 },
        ];
        Mixture mixture = Mixture.Weigh(parts, 42);
        var tokens = new double[parts.Length];
        for (long i = 0; i < 10 * Mixture.PeriodRows; i++)
        {
            (int part, int row) = mixture.At(i);
            var batch = new Batch(parts[part].Rows.RowTokens);
            parts[part].Rows.Append(row, 0, batch);
            tokens[part] += batch.TokenCount;
        }

        for (int i = 0; i < parts.Length; i++)
            // Half a row in PeriodRows by rounding, and an epoch cut short, against the smallest share of 250 rows.
            Assert.That(tokens[i] / tokens.Sum() * 100, Is.EqualTo(parts[i].Weight).Within(0.4).Percent, $"part {i}");
    }

    [Test]
    public void Weights_AreMetAnywhereInTheSequence()
    {
        double[] weights = [30, 60, 10];
        Mixture mixture = Mixture.Weigh([.. weights.Select((w, i) => Part($"l{i}", 40) with { Weight = w })], 42);
        double[] shares = [.. mixture.Parts.Select(part => part.Weight * part.Rows.RowCount / part.Rows.TokenCount)];
        var counts = new int[3];
        for (int i = 0; i < 2 * Mixture.PeriodRows; i++)
        {
            counts[mixture.At(i).Part]++;
            for (int part = 0; part < 3; part++)
                // The rounding of shares gives at most a row in a period; places are at most two off.
                Assert.That(counts[part], Is.EqualTo((i + 1) * shares[part] / shares.Sum()).Within(4), $"at {i}");
        }
    }

    [Test]
    public void Weights_LetEveryLanguageGoThroughItsRowsInEpochs()
    {
        Mixture mixture = Mixture.Weigh([Part("aa", 100) with { Weight = 9 }, Part("bb", 30) with { Weight = 1 }], 42);
        var rows = new List<int>[] { [], [] };
        for (int i = 0; i < 3 * Mixture.PeriodRows; i++)
            rows[mixture.At(i).Part].Add(mixture.At(i).Row);
        for (int part = 0; part < 2; part++)
        {
            int count = mixture.Parts[part].Rows.RowCount;
            int[][] epochs = [.. rows[part].Chunk(count).Where(epoch => epoch.Length == count)];
            Assert.That(epochs, Has.Length.GreaterThan(2));
            foreach (int[] epoch in epochs)
                Assert.That(epoch.Order(), Is.EqualTo(Enumerable.Range(0, count)));
            Assert.That(epochs[1], Is.Not.EqualTo(epochs[0]));
        }
    }

    [Test]
    public void Weight_TooSmallForARow_IsRefused()
    {
        MixturePart[] parts = [Part("aa", 40) with { Weight = 1e6 }, Part("bb", 40) with { Weight = 1 }];
        var error = Assert.Throws<RunException>(() => Mixture.Weigh(parts, 42));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.Contain("'bb'"));
    }

    [Test]
    public void Weights_OfNothingButOneLanguage_GiveItEveryRow()
    {
        Mixture mixture = Mixture.Weigh([Part("aa", 40) with { Weight = 1e-3 }], 42);
        Assert.That(Enumerable.Range(0, 1000).Select(i => mixture.At(i).Part), Has.All.Zero);
    }

    [Test]
    public void Samples_OfAllLanguages_AreDifferent()
    {
        Mixture mixture = Mixture.Concatenate([Part("aa", 50), Part("bb", 7), Part("cc", 20)], 42);
        var source = new BatchSource(mixture, rowsPerBatch: 1, batchesPerStep: 1);
        List<long> samples = [];
        for (long step = 0; step < mixture.RowCount; step++)
            samples.AddRange(source.At(step, 0).Samples);
        Assert.That(samples, Is.Unique);
        Assert.That(samples, Has.Count.EqualTo(mixture.Parts.Sum(part => part.Rows.SegmentCount)));
    }

    private MixturePart Part(
        string language, int documents, int rowTokens = 32, PackingMode mode = PackingMode.Isolated)
    {
        TokenShard shard = _folder.Shard(
            Enumerable.Range(0, documents).Select(i => $"{language} {i} {new string('x', i * 7 % 40)}"), language);
        _shards.Add(shard);
        return new MixturePart(language, PackedRows.Of(mode, shard, shard.Training, rowTokens));
    }
}
