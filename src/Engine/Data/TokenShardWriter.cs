using System.Buffers.Binary;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;
using static FastCpt.Engine.Data.TokenShardFormat;

namespace FastCpt.Engine.Data;

/// <summary>Writes a token shard front to back; see <see cref="TokenShardFormat"/>.</summary>
internal sealed class TokenShardWriter
{
    private readonly Stream _output;
    private readonly Tokenizer _tokenizer;
    private readonly int _width;
    private readonly byte[] _block;
    private int _blockBytes;
    private long _tokenCount;

    /// <param name="output">At the start of the file.</param>
    public TokenShardWriter(Stream output, Tokenizer tokenizer)
    {
        (_output, _tokenizer) = (output, tokenizer);
        _width = Width(tokenizer.VocabularySize);
        _block = new byte[(BlockTokens * _width) + ChecksumBytes];
        Span<byte> head = stackalloc byte[HeadBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(head, Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(head[8..], FormatVersion);
        output.Write(head);
    }

    /// <returns>The number of the first of these tokens in the shard.</returns>
    public long Add(ReadOnlySpan<int> tokens)
    {
        long start = _tokenCount;
        foreach (int token in tokens)
        {
            if (_width == sizeof(ushort))
                BinaryPrimitives.WriteUInt16LittleEndian(_block.AsSpan(_blockBytes), (ushort)token);
            else
                BinaryPrimitives.WriteInt32LittleEndian(_block.AsSpan(_blockBytes), token);
            _blockBytes += _width;
            if (_blockBytes == BlockTokens * _width)
                WriteBlock();
        }

        _tokenCount += tokens.Length;
        return start;
    }

    /// <summary>Writes what follows the tokens; nothing may be added after it.</summary>
    public void Complete(
        IReadOnlyList<DocumentTokens> training, IReadOnlyList<DocumentTokens> validation, int maxDocumentTokens)
    {
        if (_blockBytes > 0)
            WriteBlock();
        WriteTable(training, validation);
        var tail = new byte[TailBytes];
        BinaryPrimitives.WriteInt64LittleEndian(tail, _tokenCount);
        BinaryPrimitives.WriteInt32LittleEndian(tail.AsSpan(8), training.Count);
        BinaryPrimitives.WriteInt32LittleEndian(tail.AsSpan(12), validation.Count);
        BinaryPrimitives.WriteInt32LittleEndian(tail.AsSpan(16), _tokenizer.VocabularySize);
        BinaryPrimitives.WriteInt32LittleEndian(tail.AsSpan(20), _width);
        BinaryPrimitives.WriteInt32LittleEndian(tail.AsSpan(24), maxDocumentTokens);
        Convert.FromHexString(_tokenizer.Sha256).CopyTo(tail, 32);
        WriteChecked(tail, TailBytes - ChecksumBytes);
    }

    private void WriteBlock()
    {
        WriteChecked(_block, _blockBytes);
        _blockBytes = 0;
    }

    private void WriteTable(IReadOnlyList<DocumentTokens> training, IReadOnlyList<DocumentTokens> validation)
    {
        int count = training.Count + validation.Count;
        var table = new byte[checked((count * EntryBytes) + ChecksumBytes)];
        for (int i = 0; i < count; i++)
        {
            DocumentTokens document = i < training.Count ? training[i] : validation[i - training.Count];
            Span<byte> entry = table.AsSpan(i * EntryBytes, EntryBytes);
            BinaryPrimitives.WriteInt64LittleEndian(entry, document.Start);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], document.Count);
            BinaryPrimitives.WriteInt32LittleEndian(entry[12..], document.PredictedBytes);
        }

        WriteChecked(table, count * EntryBytes);
    }

    /// <summary>Writes bytes and then their checksum, which the array has room for.</summary>
    private void WriteChecked(byte[] bytes, int count)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(count), Crc32C.Of(bytes.AsSpan(0, count)));
        _output.Write(bytes, 0, count + ChecksumBytes);
    }
}
