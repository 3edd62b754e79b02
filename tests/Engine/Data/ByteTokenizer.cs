using System.Buffers;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Tests.Engine.Data;

/// <summary>A byte is a piece: id = byte + 3; 0 pads, 1 begins and 2 ends a document.</summary>
internal sealed class ByteTokenizer : Tokenizer
{
    public const int Begin = 1, End = 2, FirstByte = 3;

    /// <param name="vocabularySize">More than the 259 that occur, to make ids wider.</param>
    /// <param name="unknown">An id that no byte has, where one is wanted.</param>
    /// <param name="name">Tokenizers of different names are different to a shard.</param>
    public ByteTokenizer(bool hasEnds = true, int vocabularySize = 259, string name = "bytes", int? unknown = null)
    {
        Unknown = unknown;
        VocabularySize = vocabularySize;
        Sha256 = Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name)));
        if (hasEnds)
            (Bos, Eos) = (Begin, End);
    }

    public override int VocabularySize { get; }

    /// <summary>Called before each text is encoded, by any thread.</summary>
    public Action? Encoding { get; init; }

    public override int? Find(string piece) => null;

    public override void Decode(ReadOnlySpan<int> ids, IBufferWriter<byte> utf8)
    {
        foreach (int id in ids)
            if (id >= FirstByte)
                utf8.Write([(byte)(id - FirstByte)]);
    }

    protected override void EncodePart(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        Encoding?.Invoke();
        foreach (byte value in utf8)
            ids.Add(value + FirstByte);
    }
}
