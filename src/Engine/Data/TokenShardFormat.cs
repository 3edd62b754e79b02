namespace FastCpt.Engine.Data;

/// <summary>The layout of a token shard: all tokenised documents of one language, training and validation.</summary>
/// <remarks>
/// Little-endian, written front to back:
/// <code>
/// head     magic (8 bytes), version u32, 0 u32
/// blocks   <see cref="BlockTokens"/> tokens each, the last one fewer: u16 or u32 by the width, then their CRC-32C
/// table    an entry a document, those for training first, each side in file order:
///          first token u64, tokens u32, bytes u32; then the CRC-32C of the entries
/// tail     tokens u64, training documents u32, validation documents u32, vocabulary u32, width u32 (2 or 4),
///          longest allowed document u32, 0 u32, SHA-256 of the tokenizer (32 bytes), 0 u32, CRC-32C of the tail so far
/// </code>
/// An entry's bytes are those of the text that its tokens after the first predict. Tokens that no entry covers belong
/// to documents beyond the budget.
/// </remarks>
internal static class TokenShardFormat
{
    public const ulong Magic = 0x4B4F54545043461A;          // 0x1A, "FCPTTOK"
    public const uint FormatVersion = 1;
    public const int HeadBytes = 16;
    public const int BlockTokens = 1024;
    public const int EntryBytes = 16;
    public const int TailBytes = 72;
    public const int ChecksumBytes = 4;

    /// <summary>Ids of 65,536 pieces and fewer take two bytes.</summary>
    public static int Width(int vocabularySize) => vocabularySize <= 1 << 16 ? sizeof(ushort) : sizeof(uint);

    /// <summary>Bytes of all blocks with their checksums.</summary>
    public static long BlocksBytes(long tokenCount, int width) =>
        checked((tokenCount * width) + ((tokenCount + BlockTokens - 1) / BlockTokens * ChecksumBytes));
}
