using System.Buffers.Binary;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;
using static FastCpt.Engine.Data.TokenShardFormat;

namespace FastCpt.Engine.Data;

/// <summary>The tokenised documents of one language, read from a shard; the layout is in TokenShardFormat.</summary>
/// <remarks>
/// Opening checks magic, version, sizes, tokenizer, table and their checksums; reading checks each block's checksum and
/// that ids are below the vocabulary's size. Tokens are read by position, never mapped. For one thread at a time.
/// </remarks>
public sealed class TokenShard : IDisposable
{
    private readonly InputFile _file;
    private readonly int _width, _vocabularySize;
    private readonly byte[] _bytes;
    private readonly int[] _block;
    private long _blockIndex = -1;

    private TokenShard(InputFile file, Tail tail, DocumentTokens[] table)
    {
        (_file, TokenCount) = (file, tail.TokenCount);
        (_width, _vocabularySize, MaxDocumentTokens) = (tail.Width, tail.VocabularySize, tail.MaxDocumentTokens);
        Training = new ArraySegment<DocumentTokens>(table, 0, tail.TrainingCount);
        Validation = new ArraySegment<DocumentTokens>(table, tail.TrainingCount, tail.ValidationCount);
        _bytes = new byte[(BlockTokens * _width) + ChecksumBytes];
        _block = new int[BlockTokens];
    }

    public string Path => _file.Path;

    /// <summary>Tokens in the file; those of documents beyond the budget are among them.</summary>
    public long TokenCount { get; }

    /// <summary>What documents were cut to.</summary>
    public int MaxDocumentTokens { get; }

    public IReadOnlyList<DocumentTokens> Training { get; }

    public IReadOnlyList<DocumentTokens> Validation { get; }

    /// <exception cref="RunException">
    /// Exit 3: missing, not a shard, another version, damaged. Exit 4: made with another tokenizer.
    /// </exception>
    public static TokenShard Open(string path, Tokenizer tokenizer)
    {
        InputFile? file = InputFile.Open(path, ExitCode.Config);
        try
        {
            Tail tail = ReadTail(file);
            string sha256 = Convert.ToHexStringLower(tail.TokenizerSha256);
            if (sha256 != tokenizer.Sha256 || tail.VocabularySize != tokenizer.VocabularySize)
                throw new RunException(ExitCode.ModelFile,
                    $"{path}: was made with tokenizer {sha256} of {tail.VocabularySize} pieces, but this run uses " +
                    $"{tokenizer.Sha256} of {tokenizer.VocabularySize}. Tokenize the text again.");
            var shard = new TokenShard(file, tail, ReadTable(file, tail));
            file = null;
            return shard;
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Reads tokens from a place on; allocates nothing.</summary>
    /// <exception cref="RunException">
    /// Exit 3: the file changed or is damaged. Exit 4: an id is not below the vocabulary's size.
    /// </exception>
    public void Read(long start, Span<int> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, TokenCount - destination.Length);
        while (!destination.IsEmpty)
        {
            LoadBlock(start / BlockTokens);
            var first = (int)(start % BlockTokens);
            int count = Math.Min(destination.Length, BlockTokens - first);
            _block.AsSpan(first, count).CopyTo(destination);
            destination = destination[count..];
            start += count;
        }
    }

    public void Dispose() => _file.Dispose();

    private void LoadBlock(long index)
    {
        if (index == _blockIndex)
            return;
        _blockIndex = -1;
        var count = (int)Math.Min(BlockTokens, TokenCount - (index * BlockTokens));
        long offset = HeadBytes + (index * ((BlockTokens * _width) + ChecksumBytes));
        Span<byte> bytes = _bytes.AsSpan(0, (count * _width) + ChecksumBytes);
        ReadChecked(_file, offset, bytes, "a block of tokens");
        for (int i = 0; i < count; i++)
        {
            uint id = _width == sizeof(ushort)
                ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[(i * sizeof(ushort))..])
                : BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * sizeof(uint))..]);
            if (id >= _vocabularySize)
                throw new RunException(ExitCode.ModelFile,
                    $"{Path}: token {(index * BlockTokens) + i} at byte {offset + (i * _width)} is {id}, expected " +
                    $"ids below {_vocabularySize}. Tokenize the text again.");
            _block[i] = (int)id;
        }

        _blockIndex = index;
    }

    private static Tail ReadTail(InputFile file)
    {
        Span<byte> head = stackalloc byte[HeadBytes];       // zeros: not the magic
        long length = file.Length;
        if (length >= HeadBytes + ChecksumBytes + TailBytes)
            file.Read(0, head);
        if (BinaryPrimitives.ReadUInt64LittleEndian(head) != Magic)
            throw new RunException(ExitCode.Config, $"{file.Path}: is not a token shard. Tokenize the text.");
        ulong version = BinaryPrimitives.ReadUInt64LittleEndian(head[8..]);
        if (version != FormatVersion)
            throw new RunException(ExitCode.Config,
                $"{file.Path}: is a token shard of version {version}, expected {FormatVersion}. " +
                "Tokenize the text again.");
        var bytes = new byte[TailBytes];
        ReadChecked(file, length - TailBytes, bytes, "the tail");
        Tail tail = Tail.Parse(bytes);
        if (!tail.IsConsistent || HeadBytes + tail.BlocksBytes + tail.TableBytes + TailBytes != length)
            throw new RunException(ExitCode.Config,
                $"{file.Path}: {length} bytes do not fit the counts in the tail. Tokenize the text again.");
        return tail;
    }

    private static DocumentTokens[] ReadTable(InputFile file, Tail tail)
    {
        if (tail.TableBytes > Array.MaxLength)
            throw new RunException(ExitCode.Config,
                $"{file.Path}: too many documents. Spread them over several languages.");
        var bytes = new byte[tail.TableBytes];
        ReadChecked(file, HeadBytes + tail.BlocksBytes, bytes, "the table of documents");
        var table = new DocumentTokens[tail.TrainingCount + tail.ValidationCount];
        for (int i = 0; i < table.Length; i++)
        {
            ReadOnlySpan<byte> entry = bytes.AsSpan(i * EntryBytes, EntryBytes);
            table[i] = new DocumentTokens(
                BinaryPrimitives.ReadInt64LittleEndian(entry), BinaryPrimitives.ReadInt32LittleEndian(entry[8..]),
                BinaryPrimitives.ReadInt32LittleEndian(entry[12..]));
            (long start, int count, int predictedBytes) = table[i];
            if (start < 0 || count < 1 || count > tail.MaxDocumentTokens || start > tail.TokenCount - count
                || predictedBytes < 0)
                throw new RunException(ExitCode.Config,
                    $"{file.Path}: document {i} of the table is {count} tokens from {start} on, outside the file's " +
                    $"{tail.TokenCount} or over {tail.MaxDocumentTokens}. Tokenize the text again.");
        }

        return table;
    }

    /// <summary>Fills the bytes from the file and compares the checksum that their last four are.</summary>
    private static void ReadChecked(InputFile file, long offset, Span<byte> bytes, string what)
    {
        file.Read(offset, bytes);
        if (Crc32C.Of(bytes[..^ChecksumBytes]) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[^ChecksumBytes..]))
            throw new RunException(ExitCode.Config,
                $"{file.Path}: {what} at byte {offset} does not match its checksum: the file changed or is damaged. " +
                "Tokenize the text again.");
    }

    private readonly record struct Tail(
        long TokenCount, int TrainingCount, int ValidationCount, int VocabularySize, int Width, int MaxDocumentTokens,
        byte[] TokenizerSha256)
    {
        public long BlocksBytes => TokenShardFormat.BlocksBytes(TokenCount, Width);

        public long TableBytes => (((long)TrainingCount + ValidationCount) * EntryBytes) + ChecksumBytes;

        /// <summary>The counts are in range, so that sizes made of them do not overflow.</summary>
        public bool IsConsistent =>
            TokenCount is >= 0 and < 1L << 48 && TrainingCount >= 0 && ValidationCount >= 0 && MaxDocumentTokens > 0
            && VocabularySize > 0 && Width == TokenShardFormat.Width(VocabularySize);

        public static Tail Parse(byte[] bytes) => new(
            BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8)),
            BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12)),
            BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(16)),
            BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(20)),
            BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(24)), bytes[32..64]);
    }
}
