using System.Buffers;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Byte-level BPE: a pattern cuts the text, each part starts as bytes, the best pairs merge.</summary>
/// <remarks>Every text has ids and comes back unchanged. Sennrich et al. 2016; Radford et al. 2019.</remarks>
internal sealed class ByteLevelTokenizer : PipelineTokenizer<ByteLevelTokenizer.Workspace>
{
    private readonly ByteLevelVocabulary _vocabulary;

    /// <param name="added">Tokens that are cut out of the text; they may also be in the vocabulary.</param>
    /// <param name="special">Tokens that have ids but are not looked for in texts.</param>
    public ByteLevelTokenizer(ByteLevelVocabulary vocabulary, IReadOnlyList<AddedToken> added,
        params ReadOnlySpan<(string Text, int Id)> special)
    {
        _vocabulary = vocabulary;
        AddTokens(vocabulary.Pieces.Count, added, special);
    }

    public override void Decode(ReadOnlySpan<int> ids, IBufferWriter<byte> utf8)
    {
        foreach (int id in ids)
        {
            if (AddedText(id) is byte[] added)
                utf8.Write(added);
            else if (id < _vocabulary.Pieces.Count)
                utf8.Write(_vocabulary.Pieces[id]);
        }
    }

    protected override Workspace NewWorkspace() => new(_vocabulary.Merges);

    protected override int? FindPiece(string piece) =>
        _vocabulary.Pieces.Find(ByteAlphabet.ReadOrKeep(piece)) is >= 0 and var id ? id : null;

    protected override ReadOnlySpan<byte> Normalize(ReadOnlySpan<byte> text, bool atStart, Workspace workspace) =>
        _vocabulary.Composes ? workspace.Composition.Compose(text) : text;

    protected override void EncodeText(ReadOnlySpan<byte> text, Workspace workspace, List<int> ids)
    {
        SplitPattern pattern = _vocabulary.Pattern;
        for (int at = 0; at < text.Length;)
        {
            int end = pattern.End(text, at);
            var word = text[at..end];
            at = end;
            if (word.Length > PreTokenCache.MaxBytes)
            {
                ids.AddRange(EncodeWord(word, workspace));
                continue;
            }
            int place = PreTokenCache.Place(word);
            var known = workspace.Cache.Find(place, word);
            if (known.IsEmpty)
            {
                known = EncodeWord(word, workspace);
                workspace.Cache.Add(place, word, known);
            }
            if (known.Length == 1)
                ids.Add(known[0]);
            else
                ids.AddRange(known);
        }
    }

    private ReadOnlySpan<int> EncodeWord(ReadOnlySpan<byte> word, Workspace workspace)
    {
        var symbols = workspace.Symbols(word.Length);
        if (_vocabulary.WholeWordsFirst && _vocabulary.Pieces.Find(word) is >= 0 and var whole)
        {
            symbols[0] = whole;
            return symbols[..1];
        }
        var idOfByte = _vocabulary.IdOfByte;
        for (int k = 0; k < word.Length; k++)
            symbols[k] = idOfByte[word[k]];
        return symbols[..workspace.Merger.Merge(symbols)];
    }

    /// <summary>What one thread needs while it encodes.</summary>
    internal sealed class Workspace(MergeTable merges)
    {
        private int[] _symbols = new int[1024];

        public PairMerger Merger { get; } = new(merges);

        public PreTokenCache Cache { get; } = new();

        public CanonicalComposition Composition { get; } = new();

        public Span<int> Symbols(int count)
        {
            if (_symbols.Length < count)
                _symbols = new int[count];
            return _symbols.AsSpan(0, count);
        }
    }
}
