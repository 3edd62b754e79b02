using System.Buffers;
using System.Security.Cryptography;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Text to token ids and back, with exactly the ids of the library that a tokenizer file belongs to.</summary>
/// <remarks>Safe for use by several threads at once.</remarks>
public abstract class Tokenizer
{
    /// <summary>A longer text is encoded in parts, so that memory stays bounded.</summary>
    public const int MaxTextBytes = 16 << 20;

    private long _dividedTextCount;

    /// <summary>One more than the largest id.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>Begin of text, where the tokenizer's files name one.</summary>
    public int? Bos { get; protected internal set; }

    /// <summary>End of text.</summary>
    public int? Eos { get; protected internal set; }

    /// <summary>Fills rows of a batch.</summary>
    public int? Pad { get; protected internal set; }

    /// <summary>Hides a token that a masked model has to predict.</summary>
    public int? Mask { get; protected internal set; }

    /// <summary>Stands for what the vocabulary does not cover.</summary>
    public int? Unknown { get; protected internal set; }

    /// <summary>SHA-256 of the files that define the ids, in hexadecimal: what token shards are bound to.</summary>
    public string Sha256 { get; protected internal set; } = "";

    /// <summary>How many texts were longer than <see cref="MaxTextBytes"/> and so encoded in parts.</summary>
    public long DividedTextCount => Interlocked.Read(ref _dividedTextCount);

    /// <summary>Reads a tokenizer file, or the tokenizer in a model's folder.</summary>
    /// <param name="fileOrFolder">
    /// tokenizer.json; a SentencePiece .model; a .tiktoken file; a llama2.c .bin; vocab.bpe or merges.txt beside its
    /// encoder.json or vocab.json; or a folder with one of them, looked for in this order (.bin files excepted).
    /// </param>
    /// <exception cref="RunException">The file is missing, malformed, or of a kind that is not supported.</exception>
    public static Tokenizer Load(string fileOrFolder) => TokenizerFile.Load(fileOrFolder);

    /// <summary>Reads XLM-R's SentencePiece model with XLM-R's ids, whatever the files beside it say.</summary>
    /// <remarks>
    /// Text is normalized as SentencePiece does; a tokenizer.json of the same model follows the rule of Hugging Face's
    /// library instead, which differs on some texts.
    /// </remarks>
    /// <exception cref="RunException">The file is malformed or is no model of this kind.</exception>
    public static Tokenizer LoadXlmRoberta(string file) => SentencePieceTokenizer.Load(file, xlmRoberta: true);

    /// <summary>Reads XLM-R's SentencePiece model with the steps of its published tokenizer.json.</summary>
    /// <remarks>The ids of Hugging Face's library, which <see cref="LoadXlmRoberta"/> differs from on some texts.
    /// </remarks>
    /// <inheritdoc cref="LoadXlmRoberta"/>
    public static Tokenizer LoadXlmRobertaPipeline(string file) => XlmRobertaPipeline.Load(file);

    /// <summary>Appends the ids of a text; adds no special tokens around it.</summary>
    /// <remarks>
    /// Bytes that are not UTF-8 are kept by byte-level vocabularies and become U+FFFD in the others, as in their
    /// libraries. A text over <see cref="MaxTextBytes"/> is divided after white space and counted.
    /// </remarks>
    public void Encode(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        if (utf8.Length > MaxTextBytes)
            Interlocked.Increment(ref _dividedTextCount);
        while (utf8.Length > MaxTextBytes)
        {
            int end = SafeEnd(utf8[..MaxTextBytes]);
            EncodePart(utf8[..end], ids);
            utf8 = utf8[end..];
        }
        if (!utf8.IsEmpty)
            EncodePart(utf8, ids);
    }

    /// <summary>Appends the text of ids.</summary>
    /// <remarks>
    /// The bytes need not be valid UTF-8: ids can stand for parts of a character. Special tokens appear as they are
    /// written, except those of SentencePiece and llama2.c files, which are invisible there.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public abstract void Decode(ReadOnlySpan<int> ids, IBufferWriter<byte> utf8);

    /// <summary>The id of a special or added token, or of a piece as the vocabulary writes it; null if there is none.
    /// </summary>
    public abstract int? Find(string piece);

    /// <param name="utf8">Not empty, at most <see cref="MaxTextBytes"/>.</param>
    protected abstract void EncodePart(ReadOnlySpan<byte> utf8, List<int> ids);

    /// <summary>The identity of a tokenizer: a hash over its files, each after its length.</summary>
    protected internal static string Identity(params ReadOnlySpan<byte[]> files)
    {
        if (files.Length == 1)
            return Convert.ToHexStringLower(SHA256.HashData(files[0]));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] file in files)
        {
            hash.AppendData(BitConverter.GetBytes((long)file.Length));
            hash.AppendData(file);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The end of the last run of ASCII white space, or else of the last whole character.</summary>
    private static int SafeEnd(ReadOnlySpan<byte> part)
    {
        int end = part.LastIndexOfAny(" \n\r\t"u8) + 1;
        if (end > part.Length / 2)
            return end;
        end = part.Length;
        while (end > part.Length - 4 && (part[end - 1] & 0xC0) == 0x80)
            end--;
        return (part[end - 1] & 0xC0) == 0xC0 ? end - 1 : part.Length;
    }
}
