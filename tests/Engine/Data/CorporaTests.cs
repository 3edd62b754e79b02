using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

/// <summary>What a configuration says about text, and shards that are made once.</summary>
public sealed class CorporaTests
{
    private TestFolder _folder = null!;
    private string _file = "";
    private readonly List<string> _said = [];

    [SetUp]
    public void CreateFolder()
    {
        _folder = new TestFolder();
        _file = _folder.WriteNumbered("a.jsonl", 300);
        _said.Clear();
    }

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Budget_OfALanguage_GoesBeforeThatOfAll()
    {
        var data = new DataConfig { BudgetTokens = 2000 };
        Assert.That(Tokens(data, c => c.Open(Text)), Is.InRange(1940, 2000));
        DataConfig held = data with { ValidationShare = 0.9 };
        Assert.That(Tokens(held, c => c.Open(Text, heldOut: true)), Is.InRange(1940, 2000));
        Assert.That(Tokens(held with { BudgetTokens = 0 }, c => c.Open(Text, heldOut: true)), Is.GreaterThan(5000));
        Assert.That(Tokens(data, c => c.Open(Text with { BudgetTokens = 1000 })), Is.InRange(940, 1000));
        Assert.That(Tokens(new DataConfig(), c => c.Open(Text)), Is.GreaterThan(6000));
    }

    [Test]
    public void Documents_AreCutOnlyWhereRowsAreWrapped()
    {
        foreach (PackingMode mode in Enum.GetValues<PackingMode>())
        {
            var config = new DataConfig { MaxSeqLength = 16, Packing = mode };
            using TokenShard shard = Open(config, corpora => corpora.Open(Text));
            int longest = shard.Training.Max(document => document.Count);
            Assert.That(longest, mode == PackingMode.Wrapped ? Is.EqualTo(16) : Is.GreaterThan(40));
        }
    }

    [Test]
    public void Shard_IsMadeOnce_AndAgainWhenTextOrSettingsChange()
    {
        var data = new DataConfig();
        Tokens(data, c => c.Open(Text));
        Tokens(data, c => c.Open(Text));
        Assert.That(_said, Has.Count.EqualTo(1));
        DataConfig[] others =
        [
            data with { ValidationShare = 0.1 }, data with { MaxBadLines = 1 }, data with { BudgetBytes = 1000 },
            data with { Packing = PackingMode.Wrapped },
        ];
        foreach (DataConfig other in others)
            Tokens(other, c => c.Open(Text));
        Assert.That(_said, Has.Count.EqualTo(1 + others.Length));
        File.AppendAllText(_file, """{"text":"one more"}""");
        Tokens(data, c => c.Open(Text));
        Assert.That(_said, Has.Count.EqualTo(2 + others.Length));
        Assert.Throws<RunException>(() => Tokens(data with { TextField = "body" }, c => c.Open(Text)));
    }

    [Test]
    public void Fault_K10_HalfAShardThatACrashLeft_IsRemovedBeforeAnotherIsMade()
    {
        string left = Leftovers.TemporaryFor(_folder.At("shards/aa-0123.shard"));
        Directory.CreateDirectory(_folder.At("shards"));
        File.WriteAllText(left, "half");
        Tokens(new DataConfig(), c => c.Open(Text));
        Assert.That(File.Exists(left), Is.False);
        Assert.That(_said[0], Does.Contain(Path.GetFileName(left)).And.Contain("removed"));
    }

    private LanguageConfig Text => new() { Name = "aa", Files = [_file] };

    private long Tokens(DataConfig data, Func<Corpora, TokenShard> open)
    {
        using TokenShard shard = Open(data, open);
        return shard.Training.Concat(shard.Validation).Sum(document => (long)document.Count);
    }

    private TokenShard Open(DataConfig data, Func<Corpora, TokenShard> open)
    {
        using var stop = new StopSignal(null, _ => { });
        return open(new Corpora(data, _folder.At("shards"), new ByteTokenizer(), _said.Add, stop, 1));
    }
}
