using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>The tokenizer file of llama2.c: pieces with scores, merged as its run.c does.</summary>
/// <remarks>
/// The file is int32 longest piece, then for each piece float32 score, int32 length, bytes; little-endian. Ids 0, 1, 2
/// are unknown, begin and end, 3 to 258 the bytes. A space comes before the text; characters that are no pieces become
/// bytes; then the two neighbours that together have the highest score merge, of equals the leftmost.
/// </remarks>
internal sealed class Llama2cTokenizer : Tokenizer
{
    private const int FirstByte = 3;
    private const int MaxCharacterBytes = 4;
    private const int MaxPieceBytes = 4096;
    private const float LowestScore = -1e10f;       // run.c merges to nothing that scores less

    private readonly PieceTable _pieces;
    private readonly MergeTable _merges;

    private Llama2cTokenizer(PieceTable pieces, MergeTable merges)
    {
        (_pieces, _merges) = (pieces, merges);
        (Unknown, Bos, Eos) = (0, 1, 2);
    }

    public override int VocabularySize => _pieces.Count;

    /// <exception cref="RunException">The file is malformed.</exception>
    public static Llama2cTokenizer Read(byte[] file, string source)
    {
        var pieces = new List<byte[]>();
        var scores = new List<float>();
        ReadOnlySpan<byte> rest = file.Length >= 4 ? file.AsSpan(4) : throw Refuse("is shorter than four bytes");
        while (!rest.IsEmpty)
        {
            if (rest.Length < 8)
                throw Refuse($"ends inside piece {pieces.Count}");
            float score = BinaryPrimitives.ReadSingleLittleEndian(rest);
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
            rest = rest[8..];
            if (length <= 0 || length > MaxPieceBytes || length > rest.Length)
                throw Refuse($"piece {pieces.Count} has a length of {length} bytes; {rest.Length} are left");
            if (!float.IsFinite(score) || pieces.Count == TokenizerJson.MaxPieces)
                throw Refuse($"piece {pieces.Count} has no finite score or is one too many");
            pieces.Add(rest[..length].ToArray());
            scores.Add(score);
            rest = rest[length..];
        }
        if (pieces.Count < FirstByte + 256)
            throw Refuse($"has {pieces.Count} pieces, expected at least {FirstByte + 256}");
        try
        {
            var table = new PieceTable(pieces);
            return new Llama2cTokenizer(table, MergesByScore(table, scores)) { Sha256 = Identity(file) };
        }
        catch (ArgumentException e)
        {
            throw Refuse($"has the same piece twice, ids {e.Message}");
        }

        RunException Refuse(string what) => new(ExitCode.ModelFile, $"{source}: {what}.");
    }

    public override int? Find(string piece) => piece switch
    {
        "<s>" => 1,
        "</s>" => 2,
        _ => _pieces.Find(Encoding.UTF8.GetBytes(piece)) is >= 0 and var id ? id : null,
    };

    /// <inheritdoc/>
    /// <remarks>Begin and end are invisible, and so is the space that was put before the text.</remarks>
    public override void Decode(ReadOnlySpan<int> ids, IBufferWriter<byte> utf8)
    {
        bool first = true;
        foreach (int id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
            if (id is 1 or 2)
                continue;
            var piece = _pieces[id];
            if (first && piece[0] == ' ')
                piece = piece[1..];
            first = false;
            if (SentencePieceModel.ByteOf(piece) is >= 0 and var b)
                utf8.Write([(byte)b]);
            else
                utf8.Write(piece);
        }
    }

    protected override void EncodePart(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        var symbols = new List<int>(utf8.Length + 1);
        AddCharacter(" "u8, symbols);
        for (int start = 0; start < utf8.Length;)
        {
            int end = start + 1;
            while (end < utf8.Length && end - start < MaxCharacterBytes && (utf8[end] & 0xC0) == 0x80)
                end++;
            AddCharacter(utf8[start..end], symbols);
            start = end;
        }
        var span = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(symbols);
        ids.AddRange(span[..new PairMerger(_merges).Merge(span)]);
    }

    private void AddCharacter(ReadOnlySpan<byte> character, List<int> symbols)
    {
        if (_pieces.Find(character) is >= 0 and var id)
        {
            symbols.Add(id);
            return;
        }
        foreach (byte b in character)
            symbols.Add(FirstByte + b);
    }

    private static MergeTable MergesByScore(PieceTable pieces, List<float> scores)
    {
        float[] ordered = [.. scores.Distinct().OrderDescending()];
        var found = new List<(int Left, int Right, int Rank, int Merged)>();
        for (int id = 0; id < pieces.Count; id++)
        {
            var piece = pieces[id];
            if (scores[id] <= LowestScore)
                continue;
            int rank = ordered.AsSpan().BinarySearch(scores[id], Comparer<float>.Create((a, b) => b.CompareTo(a)));
            for (int cut = 1; cut < piece.Length; cut++)
                if (pieces.Find(piece[..cut]) is >= 0 and var left && pieces.Find(piece[cut..]) is >= 0 and var right)
                    found.Add((left, right, rank, id));
        }
        var merges = new MergeTable(found.Count);
        foreach (var (left, right, rank, merged) in found)
            merges.Add(left, right, rank, merged);
        return merges;
    }
}
