using FastCpt.Engine.Tokenizers;
using FastCpt.Kernels;

namespace FastCpt.Engine.Data.Massive;

/// <summary>The encoded sentences of one locale and partition, in flat arrays.</summary>
/// <remarks>
/// Targets hold a label where a word's first piece stands and <see cref="Backend.IgnoredTarget"/> elsewhere. A word
/// without a piece has no target; scored, it counts as predicted outside.
/// </remarks>
public sealed class SentenceSet
{
    private readonly int[] _tokens, _targets;               // sentence i: _tokenStarts[i] until _tokenStarts[i + 1]
    private readonly int[] _tokenStarts;
    private readonly int[] _labels, _wordTokens;            // sentence i: _wordStarts[i] until _wordStarts[i + 1]
    private readonly int[] _wordStarts;
    private readonly int[] _rows;

    internal SentenceSet(
        string locale, Partition partition, IReadOnlyList<EncodedSentence> sentences, int? unknown)
    {
        (Locale, Partition) = (locale, partition);
        _rows = [.. sentences.Select(sentence => sentence.Row)];
        _tokens = [.. sentences.SelectMany(sentence => sentence.Tokens)];
        _labels = [.. sentences.SelectMany(sentence => sentence.Labels)];
        _wordTokens = [.. sentences.SelectMany(sentence => sentence.WordTokens)];
        _tokenStarts = Starts(sentences, sentence => sentence.Tokens.Length);
        _wordStarts = Starts(sentences, sentence => sentence.Labels.Length);
        _targets = new int[_tokens.Length];
        Array.Fill(_targets, Backend.IgnoredTarget);
        for (int i = 0; i < Count; i++)
        {
            LongestSentence = Math.Max(LongestSentence, Tokens(i).Length);
            for (int word = _wordStarts[i]; word < _wordStarts[i + 1]; word++)
                if (_wordTokens[word] >= 0)
                    _targets[_tokenStarts[i] + _wordTokens[word]] = _labels[word];
        }

        CutWords = sentences.Sum(sentence => sentence.CutWords);
        WordsWithoutPieces = _wordTokens.Count(place => place < 0) - CutWords;
        UnknownPieces = unknown is { } id ? _tokens.Count(token => token == id) : 0;
    }

    private SentenceSet(SentenceSet from, TrimmedVocabulary vocabulary)
    {
        (Locale, Partition, _rows, LongestSentence) = (from.Locale, from.Partition, from._rows, from.LongestSentence);
        (_targets, _tokenStarts, _labels) = (from._targets, from._tokenStarts, from._labels);
        (_wordTokens, _wordStarts) = (from._wordTokens, from._wordStarts);
        (CutWords, WordsWithoutPieces) = (from.CutWords, from.WordsWithoutPieces);
        _tokens = Array.ConvertAll(from._tokens, vocabulary.Map);
        UnknownPieces = _tokens.Count(token => token == vocabulary.Unknown);
        DroppedPieces = UnknownPieces - from.UnknownPieces;
    }

    public string Locale { get; }

    public Partition Partition { get; }

    /// <summary>Sentences.</summary>
    public int Count => _rows.Length;

    public int TokenCount => _tokens.Length;

    public int WordCount => _labels.Length;

    /// <summary>Tokens of the longest sentence, with begin and end.</summary>
    public int LongestSentence { get; }

    /// <summary>Words that the tokenizer makes nothing of.</summary>
    public int WordsWithoutPieces { get; }

    /// <summary>Words of which no piece is left within the longest sentence allowed.</summary>
    public int CutWords { get; }

    /// <summary>Pieces that are unknown, for whatever reason.</summary>
    public int UnknownPieces { get; }

    /// <summary>Pieces that are unknown because trimming took them.</summary>
    public int DroppedPieces { get; }

    /// <summary>All tokens, sentence after sentence.</summary>
    public ReadOnlySpan<int> AllTokens => _tokens;

    public ReadOnlySpan<int> Tokens(int sentence) =>
        _tokens.AsSpan(_tokenStarts[sentence].._tokenStarts[sentence + 1]);

    /// <summary>As many as tokens: a word's label, or <see cref="Backend.IgnoredTarget"/>.</summary>
    public ReadOnlySpan<int> Targets(int sentence) =>
        _targets.AsSpan(_tokenStarts[sentence].._tokenStarts[sentence + 1]);

    /// <summary>The true labels, by word.</summary>
    public ReadOnlySpan<int> Labels(int sentence) =>
        _labels.AsSpan(_wordStarts[sentence].._wordStarts[sentence + 1]);

    /// <summary>By word, the token that carries its label; −1 where there is none.</summary>
    public ReadOnlySpan<int> WordTokens(int sentence) =>
        _wordTokens.AsSpan(_wordStarts[sentence].._wordStarts[sentence + 1]);

    /// <summary>Keys the sentence's randomness; see <see cref="LocaleKey.Sample"/>.</summary>
    public long Sample(int sentence) => LocaleKey.Sample(Locale, _rows[sentence]);

    /// <summary>The labels that a model gives the words of a sentence.</summary>
    /// <param name="byToken">Predicted labels, one for every token of the sentence.</param>
    /// <param name="byWord">As many as words, overwritten; a word without a token is outside.</param>
    public void PredictedLabels(int sentence, ReadOnlySpan<int> byToken, Span<int> byWord)
    {
        ReadOnlySpan<int> places = WordTokens(sentence);
        for (int word = 0; word < places.Length; word++)
            byWord[word] = places[word] < 0 ? LabelMap.Outside : byToken[places[word]];
    }

    /// <summary>Marks the pieces that occur, to trim a vocabulary to them.</summary>
    /// <param name="used">By id of the full tokenizer.</param>
    public void MarkPieces(Span<bool> used)
    {
        foreach (int token in _tokens)
            used[token] = true;
    }

    /// <summary>The same sentences with the ids of a smaller vocabulary.</summary>
    public SentenceSet Trim(TrimmedVocabulary vocabulary) => new(this, vocabulary);

    /// <summary>Fills a batch with sentences from the first on, as many as fit; for evaluation.</summary>
    /// <returns>How many, at least one.</returns>
    /// <exception cref="ArgumentException">The first is longer than the batch.</exception>
    public int Fill(int first, Batch batch)
    {
        batch.Clear();
        int next = first;
        while (next < Count && batch.TokenCount + Tokens(next).Length <= batch.Capacity)
            Append(next++, batch);
        return next > first
            ? next - first
            : throw new ArgumentException($"{Tokens(first).Length} tokens do not fit {batch.Capacity}.", nameof(batch));
    }

    internal void Append(int sentence, Batch batch) =>
        batch.AppendLabelled(Tokens(sentence), Targets(sentence), Sample(sentence));

    private static int[] Starts(IReadOnlyList<EncodedSentence> sentences, Func<EncodedSentence, int> length)
    {
        var starts = new int[sentences.Count + 1];
        for (int i = 0; i < sentences.Count; i++)
            starts[i + 1] = checked(starts[i] + length(sentences[i]));
        return starts;
    }
}
