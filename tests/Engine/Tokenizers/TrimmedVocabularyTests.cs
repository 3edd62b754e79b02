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
        foreach (int token in english.Tokens(0))
            used[token] = true;
        TrimmedVocabulary vocabulary = TrimmedVocabulary.Of(Tokens(), used);
        Assert.That(english.Trim(vocabulary).Tokens(1).ToArray(), Is.EqualTo(new[] { 1, 3, 4, 0, 2 }));
        Assert.That((english.Trim(vocabulary).DroppedPieces, german.Trim(vocabulary).DroppedPieces),
            Is.EqualTo((1, 3)));
        Assert.That(german.Trim(vocabulary).UnknownPieces, Is.EqualTo(3));
        Assert.That(german.Trim(vocabulary).Targets(0).SequenceEqual(german.Targets(0)), Is.True);
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
