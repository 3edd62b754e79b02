using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace FastCpt.Engine.Tokenizers;

/// <summary>A Unigram model from tokenizer.json: words are encoded one by one, sums of scores are in double.</summary>
internal sealed class UnigramTokenizer : PipelineTokenizer<UnigramTokenizer.Workspace>
{
    private readonly Unigram _unigram;
    private readonly PieceTable _pieces;
    private readonly int _unknown;
    private readonly UnigramSteps _steps;

    public UnigramTokenizer(
        Unigram unigram, PieceTable pieces, int unknown, UnigramSteps steps, IReadOnlyList<AddedToken> added)
    {
        (_unigram, _pieces, _unknown, _steps) = (unigram, pieces, unknown, steps);
        Unknown = unknown;
        AddTokens(pieces.Count, added);
    }

    public override void Decode(ReadOnlySpan<int> ids, IBufferWriter<byte> utf8)
    {
        for (int k = 0; k < ids.Length; k++)
        {
            ReadOnlySpan<byte> text = AddedText(ids[k]) ?? (ids[k] < _pieces.Count ? _pieces[ids[k]] : default);
            if (_steps.BytePieces.Length > 0 && SentencePieceModel.ByteOf(text) is >= 0 and var b)
                utf8.Write([(byte)b]);
            else if (k == 0)
                SpaceSymbol.WriteWithout(text, utf8);
            else
                SpaceSymbol.WriteAsSpaces(text, utf8);
        }
    }

    protected override Workspace NewWorkspace() => new();

    protected override int? FindPiece(string piece) =>
        _pieces.Find(Encoding.UTF8.GetBytes(piece)) is >= 0 and var id ? id : null;

    protected override ReadOnlySpan<byte> Normalize(ReadOnlySpan<byte> text, bool atStart, Workspace workspace)
    {
        workspace.Normalized.ResetWrittenCount();
        if (_steps.Normalizer is not null)
            _steps.Normalizer.Normalize(text, workspace.Normalized);
        else
            workspace.Normalized.Write(
                Utf8.IsValid(text) ? text : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text)));
        return _steps.SqueezedSpaces is null
            ? workspace.Normalized.WrittenSpan
            : Squeeze(workspace, _steps.SqueezedSpaces);
    }

    protected override void EncodeText(ReadOnlySpan<byte> text, Workspace workspace, List<int> ids)
    {
        if (!_steps.SplitsAtSpaces)
        {
            EncodeWords(text, workspace, ids);
            return;
        }
        for (int at = 0; at < text.Length;)
        {
            int start = at;
            while (at < text.Length && !IsSpace(text, at, out int length))
                at += length;
            if (at > start)
                EncodeWords(text[start..at], workspace, ids);
            while (at < text.Length && IsSpace(text, at, out int length))
                at += length;
        }

        static bool IsSpace(ReadOnlySpan<byte> text, int at, out int length) =>
            (Utf8Text.ClassAt(text, at, out length) & CharacterClass.Space) != 0;
    }

    /// <summary>Writes spaces as U+2581, puts one in front, and encodes from each to the next.</summary>
    private void EncodeWords(ReadOnlySpan<byte> text, Workspace workspace, List<int> ids)
    {
        workspace.Words.ResetWrittenCount();
        if (text[0] != ' ' && !text.StartsWith(SpaceSymbol.Bytes))
            workspace.Words.Write(SpaceSymbol.Bytes);
        SpaceSymbol.WriteSpacesAs(text, workspace.Words);
        var words = workspace.Words.WrittenSpan;
        while (!words.IsEmpty)
        {
            int next = words[1..].IndexOf(SpaceSymbol.Bytes);
            EncodeWord(next < 0 ? words : words[..(next + 1)], workspace, ids);
            words = next < 0 ? default : words[(next + 1)..];
        }
    }

    private void EncodeWord(ReadOnlySpan<byte> word, Workspace workspace, List<int> ids)
    {
        int place = word.Length <= PreTokenCache.MaxBytes ? PreTokenCache.Place(word) : -1;
        var known = place >= 0 ? workspace.Cache.Find(place, word) : [];
        if (!known.IsEmpty)
        {
            ids.AddRange(known);
            return;
        }
        workspace.Pieces.Clear();
        _unigram.Encode(word, workspace.Unigram, workspace.Pieces);
        int first = ids.Count, start = 0, previous = -1;
        foreach (var (piece, end) in workspace.Pieces)
        {
            if (piece == _unknown && _steps.BytePieces.Length > 0)
                foreach (byte b in word[start..end])
                    ids.Add(_steps.BytePieces[b]);
            else if (piece != _unknown || previous != piece)
                ids.Add(piece);
            (start, previous) = (end, piece);
        }
        if (place >= 0)
            workspace.Cache.Add(place, word, CollectionsMarshal.AsSpan(ids)[first..]);
    }

    private static ReadOnlySpan<byte> Squeeze(Workspace workspace, ReadOnlySpan<byte> squeezed)
    {
        var text = workspace.Normalized.WrittenSpan;
        workspace.Squeezed.ResetWrittenCount();
        while (text.IndexOf("  "u8) is >= 0 and var at)
        {
            workspace.Squeezed.Write(text[..at]);
            workspace.Squeezed.Write(squeezed);
            text = text[at..].TrimStart((byte)' ');
        }
        workspace.Squeezed.Write(text);
        return workspace.Squeezed.WrittenSpan;
    }

    /// <summary>What one thread needs while it encodes.</summary>
    internal sealed class Workspace
    {
        public ArrayBufferWriter<byte> Normalized { get; } = new();

        public ArrayBufferWriter<byte> Squeezed { get; } = new();

        public ArrayBufferWriter<byte> Words { get; } = new();

        public Unigram.Workspace Unigram { get; } = new();

        public PreTokenCache Cache { get; } = new();

        public List<(int Piece, int End)> Pieces { get; } = [];
    }
}
