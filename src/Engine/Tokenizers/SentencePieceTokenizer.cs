using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Tokenizers;

/// <summary>A SentencePiece .model, Unigram or BPE, with the ids that libsentencepiece gives.</summary>
/// <remarks>
/// XLM-R numbers the same pieces in its own way: begin 0, padding 1, end 2, unknown 3, every other piece one more than
/// in the file, and the mask after the last.
/// </remarks>
internal sealed class SentencePieceTokenizer : Tokenizer
{
    private const string MaskName = "<mask>";

    private readonly ConcurrentBag<Workspace> _idle = [];
    private readonly SentencePieceModel _model;
    private readonly SentencePieceNormalizer _normalizer;
    private readonly Unigram? _unigram;
    private readonly CharacterBpe? _bpe;
    private readonly int[] _idOf;       // by piece
    private readonly int[] _pieceOf;    // by id; -1 for the padding and the mask of XLM-R

    private SentencePieceTokenizer(SentencePieceModel model, bool xlmRoberta)
    {
        _model = model;
        _normalizer = new SentencePieceNormalizer(model);
        if (model.IsBpe)
            _bpe = Bpe(model, _normalizer.UserDefinedSymbols);
        else
            _unigram = Unigram.From(model);
        _idOf = [.. Enumerable.Range(0, model.Pieces.Count).Select(id => xlmRoberta ? XlmRobertaId(id) : id)];
        VocabularySize = xlmRoberta ? model.Pieces.Count + 2 : model.Pieces.Count;
        _pieceOf = new int[VocabularySize];
        Array.Fill(_pieceOf, -1);
        for (int piece = 0; piece < _idOf.Length; piece++)
            _pieceOf[_idOf[piece]] = piece;
        Unknown = _idOf[model.Unknown];
        Bos = xlmRoberta ? 0 : model.Bos;
        Eos = xlmRoberta ? 2 : model.Eos;
        Pad = xlmRoberta ? 1 : model.Pad;
    }

    public override int VocabularySize { get; }

    /// <param name="xlmRoberta">Ids are those of XLM-R; the file must begin with unknown, begin and end.</param>
    /// <exception cref="RunException">The file is malformed or not what it is taken for.</exception>
    public static SentencePieceTokenizer Load(string path, bool xlmRoberta) =>
        Read(InputFile.ReadAllBytes(path, ExitCode.ModelFile, TokenizerFile.MaxBytes), path, xlmRoberta);

    public static SentencePieceTokenizer Read(byte[] file, string source, bool xlmRoberta)
    {
        var model = SentencePieceModel.Read(file, source);
        if (xlmRoberta && (model.Unknown != 0 || model.Bos != 1 || model.Eos != 2 || model.Pad is not null))
            throw new RunException(ExitCode.ModelFile,
                $"{source}: XLM-R's model begins with <unk>, <s>, </s> and has no <pad>; here unknown, begin, " +
                $"end and padding are {model.Unknown}, {model.Bos}, {model.Eos}, {model.Pad}.");
        return new SentencePieceTokenizer(model, xlmRoberta) { Sha256 = Identity(file) };
    }

    public override int? Find(string piece)
    {
        if (_pieceOf[^1] < 0 && piece is MaskName or "<pad>")
            return piece == MaskName ? VocabularySize - 1 : 1;
        return _model.Table.Find(Encoding.UTF8.GetBytes(piece)) is >= 0 and var id ? _idOf[id] : null;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// As SentencePiece: control tokens are invisible, the space that was put before the text goes, unknown is written
    /// as the model says. Bytes are given as they are, where SentencePiece writes U+FFFD for those that are not UTF-8.
    /// </remarks>
    public override void Decode(ReadOnlySpan<int> ids, IBufferWriter<byte> utf8)
    {
        bool atStart = true, spaceTaken = false, empty = true;
        foreach (int id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
            int piece = _pieceOf[id];
            if (piece >= 0 && _model.Types[piece] == PieceType.Byte)
            {
                utf8.Write([(byte)SentencePieceModel.ByteOf(_model.Pieces[piece])]);
                empty = false;
                continue;
            }
            if (spaceTaken || !empty)
                atStart = false;
            spaceTaken = false;
            if (piece < 0 || _model.Types[piece] == PieceType.Control)
                continue;
            ReadOnlySpan<byte> text = piece == _model.Unknown ? _model.UnknownSurface : _model.Pieces[piece];
            if (piece != _model.Unknown && atStart && (_model.AddsDummyPrefix || _model.RemovesExtraSpaces)
                && text.StartsWith("\u2581"u8))
            {
                text = text[3..];
                // Where extra spaces are removed, all at the start are.
                spaceTaken = !_model.RemovesExtraSpaces;
            }
            empty &= text.IsEmpty;
            SpaceSymbol.WriteAsSpaces(text, utf8);
        }
    }

    protected override void EncodePart(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        if (!_idle.TryTake(out Workspace? workspace))
            workspace = new Workspace(_model.IsBpe);
        try
        {
            workspace.Normalized.ResetWrittenCount();
            _normalizer.Normalize(utf8, workspace.Normalized);
            if (_unigram is not null)
                EncodeUnigram(_unigram, workspace, ids);
            else
                EncodeBpe(_bpe!, workspace, ids);   // one of the two is there
        }
        finally
        {
            _idle.Add(workspace);
        }
    }

    private void EncodeUnigram(Unigram unigram, Workspace workspace, List<int> ids)
    {
        var text = workspace.Normalized.WrittenSpan;
        workspace.Pieces.Clear();
        unigram.Encode(text, workspace.Unigram, workspace.Pieces);
        int start = 0, previous = -1;
        foreach (var (piece, end) in workspace.Pieces)
        {
            if (piece != _model.Unknown)
                ids.Add(_idOf[piece]);
            else if (_model.ByteFallback)
                foreach (byte b in text[start..end])
                    ids.Add(_idOf[_model.BytePieces[b]]);
            else if (previous != piece)
                ids.Add(_idOf[piece]);
            (start, previous) = (end, piece);
        }
    }

    private void EncodeBpe(CharacterBpe bpe, Workspace workspace, List<int> ids)
    {
        int first = ids.Count;
        bpe.Encode(workspace.Normalized.WrittenSpan, workspace.Bpe!, ids);  // there for a BPE
        for (int k = first; k < ids.Count; k++)
            ids[k] = _idOf[ids[k]];
    }

    private static CharacterBpe Bpe(SentencePieceModel model, PieceTrie? userDefined)
    {
        byte[]?[] pieces = [.. model.Pieces.Select((piece, id) =>
            model.Types[id] is PieceType.Normal or PieceType.UserDefined or PieceType.Unused ? piece : null)];
        var symbols = new CharacterSymbols(pieces);
        MergeTable merges = symbols.MergesByScore(model.Scores);
        int[] unused =
            [.. Enumerable.Range(0, pieces.Length).Where(id => model.Types[id] == PieceType.Unused)];
        return new CharacterBpe(symbols, merges)
        {
            Unknown = model.Unknown,
            FusesUnknown = true,
            BytePieces = model.BytePieces,
            Frozen = userDefined,
            Unused = unused.Length > 0 ? new UnusedPieces(unused, symbols, merges) : null,
        };
    }

    private static int XlmRobertaId(int piece) => piece switch
    {
        0 => 3,
        1 => 0,
        2 => 2,
        _ => piece + 1,
    };

    /// <summary>What one thread needs while it encodes.</summary>
    private sealed class Workspace(bool isBpe)
    {
        public ArrayBufferWriter<byte> Normalized { get; } = new();

        public Unigram.Workspace Unigram { get; } = new();

        public List<(int Id, int End)> Pieces { get; } = [];

        public CharacterBpe.Workspace? Bpe { get; } = isBpe ? new() : null;
    }
}
