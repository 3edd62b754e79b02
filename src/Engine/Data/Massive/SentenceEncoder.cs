using System.Runtime.InteropServices;
using System.Text;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Data.Massive;

/// <summary>Turns words with labels into pieces of which the first of each word carries the label.</summary>
/// <remarks>
/// Each word is encoded alone. A tokenizer that does not mark the start of a text itself is given a space before every
/// word but the first where the locale separates words by spaces, so that pieces are those of running text. Begin and
/// end stand around the pieces where the tokenizer has them. Of a sentence that is too long the last pieces go.
/// </remarks>
public sealed class SentenceEncoder
{
    /// <summary>What XLM-R has positions for.</summary>
    public const int DefaultMaxTokens = 512;

    private readonly Tokenizer _tokenizer;          // in full
    private readonly TrimmedVocabulary? _vocabulary;
    private readonly int _maxTokens;
    private readonly ParallelOptions _options;
    private readonly bool _marksStarts;

    /// <param name="maxTokens">With begin and end.</param>
    public SentenceEncoder(Tokenizer tokenizer, int maxTokens = DefaultMaxTokens, int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 3);
        _vocabulary = (tokenizer as TrimmedTokenizer)?.Vocabulary;
        tokenizer = (tokenizer as TrimmedTokenizer)?.Full ?? tokenizer;
        (_tokenizer, _maxTokens) = (tokenizer, maxTokens);
        _options = new ParallelOptions { MaxDegreeOfParallelism = threads > 0 ? threads : -1 };
        var plain = new List<int>();
        var spaced = new List<int>();
        tokenizer.Encode("a"u8, plain);
        tokenizer.Encode(" a"u8, spaced);
        _marksStarts = plain.SequenceEqual(spaced);
    }

    /// <summary>The sentences of one partition of a locale, in the order of its rows.</summary>
    /// <param name="maxRows">The first so many; 0 takes all.</param>
    /// <exception cref="RunException">Exit 3: the partition has no rows, or a slot ends within a word.</exception>
    public SentenceSet Encode(
        MassiveLocale locale, Partition partition, IReadOnlyList<MassiveRow> rows, SlotConversion conversion,
        int maxRows = 0)
    {
        MassiveRow[] wanted =
            [.. rows.Where(row => row.Partition == partition).Take(maxRows > 0 ? maxRows : int.MaxValue)];
        if (wanted.Length == 0)
            throw new RunException(ExitCode.Config, $"{locale.Code}: there are no rows of its {partition} partition.");
        var sentences = new EncodedSentence[wanted.Length];
        try
        {
            Parallel.For(0, wanted.Length, _options, i => sentences[i] =
                Encode(wanted[i].Number, conversion.Convert(wanted[i]), !locale.SplitsCharacters));
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<RunException>().FirstOrDefault() is { } first)
        {
            throw new RunException(first.Code, $"{locale.Code}: {first.Message}", e);
        }

        var set = new SentenceSet(locale.Code, partition, sentences, _tokenizer.Unknown);
        return _vocabulary is null ? set : set.Trim(_vocabulary);
    }

    internal EncodedSentence Encode(int row, LabelledWords sentence, bool hasSpaces)
    {
        int ends = (_tokenizer.Bos is null ? 0 : 1) + (_tokenizer.Eos is null ? 0 : 1);
        int cut = 0, end = _maxTokens - (ends - (_tokenizer.Bos is null ? 0 : 1));
        var tokens = new List<int>();
        var places = new int[sentence.Words.Count];
        if (_tokenizer.Bos is { } bos)
            tokens.Add(bos);
        for (int word = 0; word < places.Length; word++)
        {
            int first = tokens.Count;
            bool spaced = word > 0 && hasSpaces && !_marksStarts;
            _tokenizer.Encode(Encoding.UTF8.GetBytes((spaced ? " " : "") + sentence.Words[word]), tokens);
            bool isCut = tokens.Count > first && first >= end;
            cut += isCut ? 1 : 0;
            places[word] = tokens.Count == first || isCut ? -1 : first;
            if (tokens.Count > end)
                CollectionsMarshal.SetCount(tokens, end);
        }

        if (_tokenizer.Eos is { } eos)
            tokens.Add(eos);
        return new EncodedSentence(row, [.. tokens], places, [.. sentence.Labels], cut);
    }
}
