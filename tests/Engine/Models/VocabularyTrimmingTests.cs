using FastCpt.Engine;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Data;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

public sealed class VocabularyTrimmingTests
{
    private const int Pieces = 83;

    private static readonly int[] Used = [0, 5, 8, 13, 21, 34, 55, 82];

    private TestFolder _folder = null!;

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Logits_OfKeptPieces_HaveTheirBits([ValueSource(nameof(Devices))] string device)
    {
        TrimmedVocabulary vocabulary = Vocabulary(Used);
        VocabularyTrimming.Write(GoldenEncoder.Folder, vocabulary, _folder.At("trimmed"), _ => { });
        int[][] sentences = [[1, 5, 34, 82, 2], [1, 55, 2], [1, 8, 8, 13, 21, 5, 2]];
        double[] full = Logits(device, GoldenEncoder.Folder, sentences, Pieces);
        double[] trimmed = Logits(
            device, _folder.At("trimmed"), [.. sentences.Select(ids => Array.ConvertAll(ids, vocabulary.Map))],
            vocabulary.Count);
        int rows = sentences.Sum(ids => ids.Length);
        for (int row = 0; row < rows; row++)
            for (int id = 0; id < vocabulary.Count; id++)
                Assert.That(trimmed[(row * vocabulary.Count) + id],
                    Is.EqualTo(full[(row * Pieces) + vocabulary.Kept[id]]));
        Assert.That(vocabulary.Count, Is.EqualTo(11), "0, 1, 2, 3 and seven that are used");
    }

    [Test]
    public void Folder_SaysItsSize_AndHoldsMappingAndTokenizer()
    {
        using var source = new TestFolder();
        foreach (string file in (string[])["config.json", "model.safetensors"])
            File.Copy(Path.Combine(GoldenEncoder.Folder, file), source.At(file));
        File.WriteAllText(source.At("tokenizer.json"), "as it is");
        TrimmedVocabulary vocabulary = Vocabulary(Used);
        VocabularyTrimming.Write(source.Path, vocabulary, _folder.At("trimmed"), _ => { });
        Assert.That(File.ReadAllText(_folder.At("trimmed/tokenizer.json")), Is.EqualTo("as it is"));
        Assert.That(
            TrimmedVocabulary.Load(_folder.At("trimmed/vocabulary_map.json"), Tokens()).Kept,
            Is.EqualTo(vocabulary.Kept));
        using ModelFolder trimmed = ModelFolder.Open(_folder.At("trimmed"), Assert.Fail);
        using ModelFolder full = ModelFolder.Open(source.Path, _ => { });
        Assert.That(trimmed.Config.IsSameAs(full.Config with { VocabularySize = 11 }), Is.True);
        using TensorFolder tensors = TensorFolder.Open(_folder.At("trimmed"), Assert.Fail);
        Assert.That(tensors.Find(EncoderLayout.Words)!.Shape, Is.EqualTo(new long[] { 11, 24 }));
        Assert.That(tensors.Find(EncoderLayout.HeadBias)!.Shape, Is.EqualTo(new long[] { 11 }));
    }

    /// <summary>Positions are counted from the padding's id, so it has to stay.</summary>
    [Test]
    public void Padding_ThatWouldMove_IsRefused()
    {
        Assert.That(() => Write(Vocabulary(5)),
            Throws.InstanceOf<RunException>().With.Message.Contains("padding is 1 and would be 0"));
        Assert.That(Directory.Exists(_folder.At("trimmed")), Is.False);
    }

    [Test]
    public void Models_WithFewerPiecesThanTheTokenizer_AreRefused()
    {
        var larger = new ByteTokenizer(vocabularySize: Pieces + 1, unknown: 3);
        TrimmedVocabulary vocabulary = TrimmedVocabulary.Of(larger, new bool[Pieces + 1]);
        Assert.That(() => Write(vocabulary), Throws.InstanceOf<RunException>().With.Message.Contains("83 pieces"));
    }

    private void Write(TrimmedVocabulary vocabulary) =>
        VocabularyTrimming.Write(GoldenEncoder.Folder, vocabulary, _folder.At("trimmed"), _ => { });

    private static ByteTokenizer Tokens() => new(vocabularySize: Pieces, unknown: 3);

    private static TrimmedVocabulary Vocabulary(params int[] used)
    {
        var isUsed = new bool[Pieces];
        foreach (int id in used)
            isUsed[id] = true;
        return TrimmedVocabulary.Of(Tokens(), isUsed);
    }

    private static double[] Logits(string device, string path, int[][] sentences, int pieces)
    {
        using Backend backend = Backends.Open(device);
        using ModelFolder folder = ModelFolder.Open(path, _ => { });
        using var model = (XlmRoberta)ModelLoader.Load(
            folder, backend, DType.F32, folder.Config.LongestSegment, Assert.Fail);
        var rows = new EncoderRows();
        foreach (var (i, ids) in sentences.Index())
            rows.Add(ids, ids, ids.Length, i);
        using var tape = new Tape(backend);
        tape.BeginInference();
        Tensor logits = tape.Take(DType.F32, new Shape(rows.Count, pieces));
        model.Logits(tape, rows.Upload(tape), firstRow: 0, logits);
        return TestTensors.Read(backend, logits);
    }
}
