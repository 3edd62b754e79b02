using System.Buffers;
using System.Collections.Concurrent;
using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>Byte-level BPE: a pattern cuts the text, each part starts as bytes, the best pairs merge.</summary>
/// <remarks>Every text has ids and comes back unchanged. Sennrich et al. 2016; Radford et al. 2019.</remarks>
internal sealed class ByteLevelTokenizer : Tokenizer
{
    private readonly ConcurrentBag<Workspace> _idle = [];
    private readonly ByteLevelVocabulary _vocabulary;
    private readonly AddedTokens _before;       // found in the original text
    private readonly AddedTokens _after;        // found in the normalized text
    private readonly Dictionary<int, byte[]> _addedBytes = [];
    private readonly Dictionary<string, int> _addedIds = new(StringComparer.Ordinal);

    /// <param name="added">Tokens that are cut out of the text; they may also be in the vocabulary.</param>
    /// <param name="special">Tokens that have ids but are not looked for in texts.</param>
    public ByteLevelTokenizer(
        ByteLevelVocabulary vocabulary, IReadOnlyList<AddedToken> added,
        params ReadOnlySpan<(string Text, int Id)> special)
    {
        _vocabulary = vocabulary;
        _before = new AddedTokens(added.Where(token => !token.Normalized));
        _after = new AddedTokens(added.Where(token => token.Normalized));
        foreach (AddedToken token in added)
            Name(token.Content, token.Id);
        foreach (var (text, id) in special)
            Name(text, id);
        VocabularySize = Math.Max(vocabulary.Pieces.Count, _addedBytes.Keys.DefaultIfEmpty(0).Max() + 1);

        void Name(string text, int id)
        {
            _addedBytes[id] = Encoding.UTF8.GetBytes(text);
            _addedIds[text] = id;
        }
    }

    public override int VocabularySize { get; }

    public override int? Find(string piece)
    {
        if (_addedIds.TryGetValue(piece, out int added))
            return added;
        return _vocabulary.Pieces.Find(ByteAlphabet.ReadOrKeep(piece)) is >= 0 and var id ? id : null;
    }

    public override void Decode(ReadOnlySpan<int> ids, IBufferWriter<byte> utf8)
    {
        foreach (int id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
            if (_addedBytes.TryGetValue(id, out byte[]? added))
                utf8.Write(added);
            else if (id < _vocabulary.Pieces.Count)
                utf8.Write(_vocabulary.Pieces[id]);
        }
    }

    protected override void EncodePart(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        if (!_idle.TryTake(out Workspace? workspace))
            workspace = new Workspace(_vocabulary.Merges);
        try
        {
            for (int at = 0; at < utf8.Length;)
            {
                var (token, start, end) = _before.IsEmpty ? (null, utf8.Length, utf8.Length) : _before.Next(utf8, at);
                if (at < start)
                    EncodeBetween(utf8[at..start], workspace, ids);
                if (token is not null)
                    ids.Add(token.Id);
                at = end;
            }
        }
        finally
        {
            _idle.Add(workspace);
        }
    }

    private void EncodeBetween(ReadOnlySpan<byte> text, Workspace workspace, List<int> ids)
    {
        if (_after.IsEmpty)
        {
            EncodeText(text, workspace, ids);
            return;
        }
        for (int at = 0; at < text.Length;)
        {
            var (token, start, end) = _after.Next(text, at);
            EncodeText(text[at..start], workspace, ids);
            if (token is not null)
                ids.Add(token.Id);
            at = end;
        }
    }

    private void EncodeText(ReadOnlySpan<byte> text, Workspace workspace, List<int> ids)
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
    private sealed class Workspace(MergeTable merges)
    {
        private int[] _symbols = new int[1024];

        public PairMerger Merger { get; } = new(merges);

        public PreTokenCache Cache { get; } = new();

        public Span<int> Symbols(int count)
        {
            if (_symbols.Length < count)
                _symbols = new int[count];
            return _symbols.AsSpan(0, count);
        }
    }
}
