using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace FastCpt.Engine.Tokenizers;

/// <summary>How spaces become U+2581 and where one is put before the text.</summary>
internal enum SpaceRule
{
    /// <summary>Spaces stay.</summary>
    None,

    Replace,

    /// <summary>Before every part between added tokens.</summary>
    PrependAlways,

    /// <summary>Before every part that does not begin with one.</summary>
    PrependUnlessThere,

    /// <summary>Before the beginning of the text, if it does not begin with one.</summary>
    PrependFirst,
}

/// <summary>A BPE over characters from tokenizer.json.</summary>
internal sealed class CharacterBpeTokenizer : PipelineTokenizer<CharacterBpeTokenizer.Workspace>
{
    private readonly CharacterBpe _bpe;
    private readonly PieceTable _pieces;
    private readonly SpaceRule _rule;
    private readonly bool _dropsFirstSpace;

    /// <param name="dropsFirstSpace">One space at the start of decoded text goes.</param>
    public CharacterBpeTokenizer(
        CharacterBpe bpe, PieceTable pieces, SpaceRule rule, bool dropsFirstSpace, IReadOnlyList<AddedToken> added)
    {
        (_bpe, _pieces, _rule, _dropsFirstSpace) = (bpe, pieces, rule, dropsFirstSpace);
        AddTokens(pieces.Count, added);
    }

    public override void Decode(ReadOnlySpan<int> ids, IBufferWriter<byte> utf8)
    {
        bool first = _dropsFirstSpace;
        foreach (int id in ids)
        {
            ReadOnlySpan<byte> text = AddedText(id) ?? (id < _pieces.Count ? _pieces[id] : default);
            if (SentencePieceModel.ByteOf(text) is >= 0 and var b)
            {
                if (!first || b != ' ')
                    utf8.Write([(byte)b]);
                first = false;
                continue;
            }
            if (first && text.StartsWith(SpaceSymbol.Bytes))
                text = text[SpaceSymbol.Bytes.Length..];
            else if (first && text.StartsWith(" "u8))
                text = text[1..];
            first = false;
            SpaceSymbol.WriteAsSpaces(text, utf8);
        }
    }

    protected override Workspace NewWorkspace() => new();

    protected override int? FindPiece(string piece) =>
        _pieces.Find(Encoding.UTF8.GetBytes(piece)) is >= 0 and var id ? id : null;

    protected override ReadOnlySpan<byte> Normalize(ReadOnlySpan<byte> text, bool atStart, Workspace workspace)
    {
        if (!Utf8.IsValid(text))
            text = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text));
        if (_rule == SpaceRule.None)
            return text;
        workspace.Normalized.ResetWrittenCount();
        bool there = text.StartsWith(" "u8) || text.StartsWith(SpaceSymbol.Bytes);
        bool prepends = _rule == SpaceRule.PrependAlways || (_rule == SpaceRule.PrependUnlessThere && !there)
            || (_rule == SpaceRule.PrependFirst && atStart && !there);
        if (prepends)
            workspace.Normalized.Write(SpaceSymbol.Bytes);
        SpaceSymbol.WriteSpacesAs(text, workspace.Normalized);
        return workspace.Normalized.WrittenSpan;
    }

    protected override void EncodeText(ReadOnlySpan<byte> text, Workspace workspace, List<int> ids) =>
        _bpe.Encode(text, workspace.Bpe, ids);

    /// <summary>What one thread needs while it encodes.</summary>
    internal sealed class Workspace
    {
        public ArrayBufferWriter<byte> Normalized { get; } = new();

        public CharacterBpe.Workspace Bpe { get; } = new();
    }
}
