using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Engine.Data;
using FastCpt.Tests.Engine.Data.Massive;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Tokenizers;

public sealed class TrimmedVocabularyTests
{
    private const int Unknown = 0;

    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Kept_AreTheUsedPiecesAndTheSpecialOnes_InTheirOrder()
    {
        TrimmedVocabulary vocabulary = Of(ByteOf('b'), ByteOf('a'));
        Assert.That(vocabulary.Kept, Is.EqualTo(
            new[] { Unknown, ByteTokenizer.Begin, ByteTokenizer.End, ByteOf('a'), ByteOf('b') }));
        Assert.That(vocabulary.Map(ByteOf('b')), Is.EqualTo(4));
        Assert.That(vocabulary.Map(ByteOf('c')), Is.EqualTo(vocabulary.Unknown));
        Assert.That((vocabulary.Keeps(ByteOf('a')), vocabulary.Keeps(ByteOf('c')), vocabulary.Keeps(Unknown)),
            Is.EqualTo((true, false, true)));
    }

    [Test]
    public void DroppedPieces_BecomeUnknown_AndAreCountedByLocale()
    {
        var english = Sentences.Encode(Tokens(), "en-US", ["ab", "abc"]);
        var german = Sentences.Encode(Tokens(), "de-DE", ["acdc"]);
        var used = new bool[Tokens().VocabularySize];
        Sentences.Encode(Tokens(), "en-US", ["ab"]).MarkPieces(used);
        TrimmedVocabulary vocabulary = TrimmedVocabulary.Of(Tokens(), used);
        Assert.That(english.Trim(vocabulary).Tokens(1).ToArray(), Is.EqualTo(new[] { 1, 3, 4, 0, 2 }));
        Assert.That((english.Trim(vocabulary).DroppedPieces, german.Trim(vocabulary).DroppedPieces),
            Is.EqualTo((1, 3)));
        Assert.That(german.Trim(vocabulary).UnknownPieces, Is.EqualTo(3));
        Assert.That(german.Trim(vocabulary).Targets(0).SequenceEqual(german.Targets(0)), Is.True);
    }

    [Test]
    public void TrimmedTokenizer_RunsInFull_ThenMaps()
    {
        var tokenizer = new TrimmedTokenizer(Tokens(), Of(ByteOf('a'), ByteOf('b')));
        Assert.That(tokenizer.Ids("bca"), Is.EqualTo(new[] { 4, Unknown, 3 }));
        Assert.That(tokenizer.Text(3, 4), Is.EqualTo("ab"));
        Assert.That((tokenizer.Bos, tokenizer.Eos, tokenizer.Pad, tokenizer.Unknown, tokenizer.VocabularySize),
            Is.EqualTo(((int?)1, (int?)2, (int?)null, (int?)Unknown, 5)));
        Assert.That(tokenizer.Sha256, Is.Not.EqualTo(Tokens().Sha256));
        var set = Sentences.Encode(tokenizer, "en-US", ["acb"]);
        Assert.That(set.Tokens(0).ToArray(), Is.EqualTo(new[] { 1, 3, Unknown, 4, 2 }));
        Assert.That(set.DroppedPieces, Is.EqualTo(1));
    }

    /// <summary>A folder with a mapping in it has the trimmed ids, whoever loads it.</summary>
    [Test]
    public void Folder_WithAMapping_IsLoadedTrimmed()
    {
        TrainedTokenizer trained = BpeTrainer.Train(
            ["ab ab ab cd cd"u8.ToArray()],
            new BpeTrainerOptions { VocabularySize = 262, SpecialTokens = ["<pad>", "<eos>", "<bos>", "<unk>"] });
        File.WriteAllBytes(_folder.At("tokenizer.json"), trained.TokenizerJson);
        File.WriteAllBytes(_folder.At("tokenizer_config.json"), trained.TokenizerConfig);
        Tokenizer full = Tokenizer.Load(_folder.Path);
        var used = new bool[full.VocabularySize];
        foreach (int id in full.Ids("ab"))
            used[id] = true;
        TrimmedVocabulary.Of(full, used).Save(_folder.At(TrimmedVocabulary.FileName));
        var trimmed = (TrimmedTokenizer)Tokenizer.Load(_folder.Path);
        Assert.That(trimmed.Text(trimmed.Ids("ab")), Is.EqualTo("ab"));
        Assert.That(trimmed.Ids("x"), Is.EqualTo(new[] { trimmed.Unknown!.Value }));
        Assert.That(trimmed.VocabularySize, Is.EqualTo(4 + full.Ids("ab").Length));
    }

    [Test]
    public void Mapping_ComesBackFromItsFile()
    {
        TrimmedVocabulary vocabulary = Of(ByteOf('z'));
        vocabulary.Save(_folder.At(TrimmedVocabulary.FileName));
        TrimmedVocabulary read = TrimmedVocabulary.Load(_folder.At(TrimmedVocabulary.FileName), Tokens());
        Assert.That(read.Kept, Is.EqualTo(vocabulary.Kept));
        Assert.That(read.ToBytes(), Is.EqualTo(vocabulary.ToBytes()));
    }

    [TestCase("\"kept\":[0,1,2,125]", "\"kept\":[0,1,2,2]", "does not rise")]
    [TestCase("\"kept\":[0,1,2,125]", "\"kept\":[0,1,125]", "lacks the special piece 2")]
    [TestCase("\"kept\":[0,1,2,125]", "\"kept\":[0,1,2,259]", "kept")]
    [TestCase("\"kept\":[0,1,2,125]", "\"kept\":[-1,0,1,2]", "kept")]
    [TestCase("\"tokenizer_size\":259", "\"tokenizer_size\":260", "is not the size of the tokenizer, 259")]
    [TestCase("\"kept\"", "\"more\":1,\"kept\"", "more")]
    [TestCase("\"tokenizer_sha256\":\"", "\"tokenizer_sha256\":\"00", "is not the hash of the tokenizer")]
    public void Mapping_ThatIsNoneOfTheTokenizer_IsRefused(string old, string replacement, string reason)
    {
        string text = System.Text.Encoding.UTF8.GetString(Of(ByteOf('z')).ToBytes());
        Assert.That(text, Does.Contain(old));
        File.WriteAllText(_folder.At("x.json"), text.Replace(old, replacement));
        Assert.That(() => TrimmedVocabulary.Load(_folder.At("x.json"), Tokens()),
            Throws.InstanceOf<RunException>().With.Message.Contains(reason)
                .And.Property(nameof(RunException.Code)).EqualTo(ExitCode.ModelFile));
    }

    [Test]
    public void Tokenizers_WithoutAnUnknownPiece_AreRefused() => Assert.That(
        () => TrimmedVocabulary.Of(new ByteTokenizer(), new bool[259]),
        Throws.InstanceOf<RunException>().With.Message.Contains("<unk>"));

    private static int ByteOf(char letter) => letter + ByteTokenizer.FirstByte;

    private static ByteTokenizer Tokens() => new(unknown: Unknown);

    private static TrimmedVocabulary Of(params int[] pieces)
    {
        var used = new bool[Tokens().VocabularySize];
        foreach (int piece in pieces)
            used[piece] = true;
        return TrimmedVocabulary.Of(Tokens(), used);
    }
}
