using System.Collections.Concurrent;
using System.Text;

namespace FastCpt.Engine.Tokenizers;

/// <summary>The steps of tokenizer.json: added tokens are cut out, the rest is normalized and encoded.</summary>
/// <typeparam name="TWorkspace">What one thread needs while it encodes.</typeparam>
internal abstract class PipelineTokenizer<TWorkspace> : Tokenizer
    where TWorkspace : class
{
    private readonly ConcurrentBag<TWorkspace> _idle = [];
    private readonly Dictionary<int, byte[]> _addedBytes = [];
    private readonly Dictionary<string, int> _addedIds = new(StringComparer.Ordinal);
    private AddedTokens _before = new([]);      // found in the original text
    private AddedTokens _after = new([]);       // found in the normalized text
    private int _vocabularySize;

    public sealed override int VocabularySize => _vocabularySize;

    public sealed override int? Find(string piece) =>
        _addedIds.TryGetValue(piece, out int added) ? added : FindPiece(piece);

    protected sealed override void EncodePart(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        if (!_idle.TryTake(out TWorkspace? workspace))
            workspace = NewWorkspace();
        try
        {
            for (int at = 0; at < utf8.Length;)
            {
                var (token, start, end) = _before.IsEmpty ? (null, utf8.Length, utf8.Length) : _before.Next(utf8, at);
                if (at < start)
                    EncodeBetween(utf8[at..start], at == 0, workspace, ids);
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

    /// <summary>Called once by the constructors: names tokens beside the vocabulary.</summary>
    /// <param name="added">Tokens that are cut out of the text; they may also be in the vocabulary.</param>
    /// <param name="special">Tokens that have ids but are not looked for in texts.</param>
    protected void AddTokens(
        int pieceCount, IReadOnlyList<AddedToken> added, params ReadOnlySpan<(string Text, int Id)> special)
    {
        foreach (AddedToken token in added)
            Name(token.Content, token.Id);
        foreach (var (text, id) in special)
            Name(text, id);
        _vocabularySize = Math.Max(pieceCount, _addedBytes.Keys.DefaultIfEmpty(0).Max() + 1);
        _before = new AddedTokens(added.Where(token => !token.Normalized));
        TWorkspace workspace = NewWorkspace();
        _after = new AddedTokens(added.Where(token => token.Normalized).Select(token =>
        {
            var content = Normalize(Encoding.UTF8.GetBytes(token.Content), atStart: false, workspace);
            return token with { Content = Encoding.UTF8.GetString(content) };
        }));

        void Name(string text, int id)
        {
            _addedBytes[id] = Encoding.UTF8.GetBytes(text);
            _addedIds[text] = id;
        }
    }

    /// <summary>The text of an added token; null for an id of the vocabulary proper.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is outside the vocabulary.</exception>
    protected byte[]? AddedText(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
        return _addedBytes.GetValueOrDefault(id);
    }

    protected abstract TWorkspace NewWorkspace();

    protected abstract int? FindPiece(string piece);

    /// <summary>The form of a text that is encoded; valid until the next call with this workspace.</summary>
    /// <param name="atStart">No added token is before it.</param>
    protected abstract ReadOnlySpan<byte> Normalize(ReadOnlySpan<byte> text, bool atStart, TWorkspace workspace);

    /// <param name="text">Normalized, without added tokens.</param>
    protected abstract void EncodeText(ReadOnlySpan<byte> text, TWorkspace workspace, List<int> ids);

    private void EncodeBetween(ReadOnlySpan<byte> text, bool atStart, TWorkspace workspace, List<int> ids)
    {
        text = Normalize(text, atStart, workspace);
        for (int at = 0; at < text.Length;)
        {
            var (token, start, end) = _after.IsEmpty ? (null, text.Length, text.Length) : _after.Next(text, at);
            if (at < start)
                EncodeText(text[at..start], workspace, ids);
            if (token is not null)
                ids.Add(token.Id);
            at = end;
        }
    }
}
