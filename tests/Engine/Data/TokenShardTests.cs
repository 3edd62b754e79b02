using System.Buffers.Binary;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

public sealed class TokenShardTests
{
    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Read_GivesWhatWasWritten_AcrossBlocks([Values(259, 65_536, 65_537)] int vocabularySize)
    {
        int[] tokens = [.. Enumerable.Range(0, (3 * 1024) + 5).Select(i => i * 7919 % vocabularySize)];
        using TokenShard shard = Shard(tokens, vocabularySize);
        (int, int)[] ranges = [(0, tokens.Length), (1023, 2), (1024, 1), (2000, 1050), (3074, 3), (5, 0)];
        foreach ((int start, int count) in ranges)
        {
            var read = new int[count];
            shard.Read(start, read);
            Assert.That(read, Is.EqualTo(tokens[start..(start + count)]), $"{count} from {start}");
        }
    }

    [Test]
    public void Read_OutsideTheFile_Throws()
    {
        using TokenShard shard = Shard([1, 2, 3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => shard.Read(2, new int[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => shard.Read(-1, new int[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => shard.Read(0, new int[4]));
    }

    [Test]
    public void Documents_AreListedBySide_WithTheirBytes()
    {
        DocumentTokens[] training = [new(0, 3, 11), new(5, 2, 7)], validation = [new(3, 2, 9)];
        using TokenShard shard = Open(Write([1, 2, 3, 4, 5, 6, 7], training, validation), new ByteTokenizer());
        Assert.That(shard.Training, Is.EqualTo(training));
        Assert.That(shard.Validation, Is.EqualTo(validation));
        Assert.That((shard.TokenCount, shard.MaxDocumentTokens), Is.EqualTo((7, 2048)));
    }

    [Test]
    public void Open_WithAnotherTokenizer_IsRefused()
    {
        string path = Write([1, 2, 3]);
        var other = Assert.Throws<RunException>(() => Open(path, new ByteTokenizer(name: "other")));
        var larger = Assert.Throws<RunException>(() => Open(path, new ByteTokenizer(vocabularySize: 300)));
        Assert.That((other.Code, larger.Code), Is.EqualTo((ExitCode.ModelFile, ExitCode.ModelFile)));
        Assert.That(other.Message, Does.StartWith(path).And.Contain(new ByteTokenizer().Sha256));
    }

    [Test]
    public void Fault_T5_IdBeyondTheVocabulary_IsRefusedWithItsOffset()
    {
        // A shard of another vocabulary whose tail was changed to name this one.
        var foreign = new ByteTokenizer(vocabularySize: 1000);
        string path = Write([1, 2, 999, 4], tokenizer: foreign);
        byte[] bytes = File.ReadAllBytes(path);
        Span<byte> tail = bytes.AsSpan(bytes.Length - TokenShardFormat.TailBytes);
        BinaryPrimitives.WriteInt32LittleEndian(tail[16..], 259);
        BinaryPrimitives.WriteUInt32LittleEndian(tail[^4..], Crc32C.Of(tail[..^4]));
        File.WriteAllBytes(path, bytes);
        using TokenShard shard = Open(path, new ByteTokenizer());
        var error = Assert.Throws<RunException>(() => shard.Read(0, new int[1]));
        Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
        Assert.That(error.Message, Does.StartWith(path).And.Contain("token 2 at byte 20 is 999, expected"));
    }

    [Test]
    public void Fault_D4_AnyChangedByte_IsFoundAtOpeningOrReading()
    {
        string path = Write([.. Enumerable.Range(0, 40)]);
        byte[] good = File.ReadAllBytes(path);
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = [.. good];
            bad[i] ^= 0x10;
            File.WriteAllBytes(path, bad);
            var error = Assert.Throws<RunException>(() => ReadAll(path), $"byte {i}");
            Assert.That(error.Code, Is.EqualTo(ExitCode.Config), $"byte {i}");
            Assert.That(error.Message, Does.StartWith(path));
        }
    }

    [Test]
    public void Fault_D4_AnyTruncation_IsFoundAtOpening()
    {
        string path = Write([.. Enumerable.Range(0, 40)]);
        byte[] good = File.ReadAllBytes(path);
        for (int length = 0; length < good.Length; length++)
        {
            File.WriteAllBytes(path, good[..length]);
            var error = Assert.Throws<RunException>(() => Open(path, new ByteTokenizer()), $"{length} bytes");
            Assert.That(error.Code, Is.EqualTo(ExitCode.Config), $"{length} bytes");
        }
    }

    [TestCase(100, "does not match its checksum")]
    [TestCase(-1, "ends at byte")]
    public void Fault_D4_ShardThatChangesInUse_IsFoundAtTheBlock(int changedByte, string says)
    {
        string path = Write([.. Enumerable.Range(0, 5000).Select(i => i % 259)]);
        using TokenShard shard = Open(path, new ByteTokenizer());
        shard.Read(4500, new int[10]);
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            if (changedByte < 0)
                file.SetLength(1000);
            file.Position = Math.Max(0, changedByte);
            file.WriteByte(0xEE);
        }

        var error = Assert.Throws<RunException>(() => shard.Read(0, new int[10]));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(error.Message, Does.StartWith(path).And.Contain(says));
    }

    [Test]
    public void Fault_D4_DocumentOutsideTheTokens_IsRefused(
        [Values(-1L, 39L, long.MaxValue)] long start, [Values(2, 0, int.MaxValue)] int count)
    {
        var error = Assert.Throws<RunException>(() =>
            Open(Write([.. Enumerable.Range(0, 40)], [new DocumentTokens(start, count, 0)]), new ByteTokenizer()));
        Assert.That(error.Message, Does.Contain("document 0"));
    }

    [Test]
    public void Fault_D4_MissingShard_IsRefused()
    {
        var error = Assert.Throws<RunException>(() => Open(_folder.At("missing.tokens"), new ByteTokenizer()));
        Assert.That(error.Code, Is.EqualTo(ExitCode.Config));
    }

    [Test]
    public void Bytes_OfAdjoiningRanges_AddUp()
    {
        var document = new DocumentTokens(0, 10, 123);
        Assert.That(document.BytesOf(0, 10), Is.EqualTo(123));
        Assert.That(document.BytesOf(1, 4) + document.BytesOf(4, 5) + document.BytesOf(5, 10), Is.EqualTo(123));
        Assert.That(document.BytesOf(0, 1), Is.Zero);
        Assert.That(new DocumentTokens(0, 1, 0).BytesOf(0, 1), Is.Zero);
    }

    private void ReadAll(string path)
    {
        using TokenShard shard = Open(path, new ByteTokenizer());
        shard.Read(0, new int[shard.TokenCount]);
    }

    private TokenShard Shard(int[] tokens, int vocabularySize = 259)
    {
        var tokenizer = new ByteTokenizer(vocabularySize: vocabularySize);
        return Open(Write(tokens, tokenizer: tokenizer), tokenizer);
    }

    private static TokenShard Open(string path, ByteTokenizer tokenizer) => TokenShard.Open(path, tokenizer);

    private string Write(
        int[] tokens, DocumentTokens[]? training = null, DocumentTokens[]? validation = null,
        ByteTokenizer? tokenizer = null)
    {
        string path = _folder.At("test.tokens");
        using var file = File.Create(path);
        var writer = new TokenShardWriter(file, tokenizer ?? new ByteTokenizer());
        writer.Add(tokens);
        writer.Complete(training ?? [new DocumentTokens(0, Math.Min(tokens.Length, 2048), 1)], validation ?? [], 2048);
        return path;
    }
}
