using System.Text.RegularExpressions;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

/// <summary>The ready study of the paper's five families: its table of languages, and who sees which of them.</summary>
public sealed class FamilyTests
{
    private static readonly StudyConfig Study =
        StudyConfig.Load(Path.Combine(TestData.RepositoryRoot, "studies", "five-families.yaml"));

    private static IReadOnlyList<FamilyConfig> Families => Study.Families;

    private TestFolder _folder = null!;
    private readonly Dictionary<string, TokenShard> _shards = [];

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder()
    {
        foreach (TokenShard shard in _shards.Values)
            shard.Dispose();
        _shards.Clear();
        _folder.Dispose();
    }

    [Test]
    public void Fact29_Families_Are32And22DisjointLanguages()
    {
        string[] names = ["slavic", "germanic", "indic", "austronesian", "romance"];
        Assert.That(Families.Select(f => f.Name), Is.EqualTo(names));
        Assert.That(Families.Select(f => f.Train.Count), Is.EqualTo((int[])[6, 6, 8, 6, 6]));
        Assert.That(Families.Select(f => f.HeldOut.Count), Is.EqualTo((int[])[6, 3, 7, 5, 1]));
        string[] heldIn = [.. Families.SelectMany(f => f.Train)];
        string[] heldOut = [.. Families.SelectMany(f => f.HeldOut)];
        Assert.That((heldIn.Length, heldOut.Length), Is.EqualTo((32, 22)));
        Assert.That(heldIn.Concat(heldOut), Is.Unique.And.None.EqualTo("de"));
    }

    [Test]
    public void Fact29_NoHeldOutLanguage_OccursInATrainingStream()
    {
        foreach (FamilyConfig family in Families)
            foreach (string language in family.HeldOut)
                Assert.That(Shard(language, heldOut: true).Training, Is.Empty, language);
    }

    [Test]
    public void Fact30_AnExpertSeesItsFamilyOnly_AndDenseSeesAllFive([Values] PackingMode mode)
    {
        foreach (FamilyConfig family in Families)
            Assert.That(SeenInAnEpoch(family.Train, mode), Is.EquivalentTo(family.Train), family.Name);
        string[] all = [.. Families.SelectMany(f => f.Train)];
        Assert.That(SeenInAnEpoch(all, mode), Is.EquivalentTo(all));
    }

    /// <summary>The languages whose words occur in the batches of one epoch.</summary>
    private HashSet<string> SeenInAnEpoch(IReadOnlyList<string> languages, PackingMode mode)
    {
        Mixture mixture = Mixture.Concatenate(
            [.. languages.Select(code => new MixturePart(
                code, PackedRows.Of(mode, Shard(code), Shard(code).Training, 64)))], 42);
        var source = new BatchSource(mixture, rowsPerBatch: 2, batchesPerStep: 1);
        HashSet<string> seen = [];
        for (long step = 0; step * 2 < mixture.RowCount; step++)
        {
            Batch batch = source.At(step, 0);
            for (int i = 0; i < batch.SegmentCount; i++)
            {
                int[] ids = batch.TokenIds[batch.Segments[2 * i]..batch.Segments[(2 * i) + 1]].ToArray();
                string text = new([.. ids.Select(id => (char)Math.Max(0, id - ByteTokenizer.FirstByte))]);
                seen.UnionWith(Regex.Matches(text, "<([a-z]+)>").Select(match => match.Groups[1].Value));
            }
        }

        return seen;
    }

    /// <summary>Twenty documents that say which language they are.</summary>
    private TokenShard Shard(string code, bool heldOut = false)
    {
        if (_shards.TryGetValue(code, out TokenShard? shard))
            return shard;
        string path = _folder.Write($"{code}.txt", string.Join("\n\n", Enumerable.Repeat($"<{code}>", 20)));
        return _shards[code] = _folder.Shard(
            new LanguageText(code, [path], heldOut) { ValidationShare = 0 });
    }
}
