using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Data.Massive;

/// <summary>Which pieces the sentences of a language consist of, and how often.</summary>
/// <remarks>Begin and end do not count; the unknown piece counts as a piece but is no type of its own.</remarks>
public sealed class PieceCounts
{
    private readonly Dictionary<int, long> _countOf = [];

    /// <param name="unknown">Null where the tokenizer has none.</param>
    /// <param name="ends">Ids of begin and end.</param>
    public PieceCounts(SentenceSet set, int? unknown, params ReadOnlySpan<int> ends)
    {
        Locale = set.Locale;
        Words = set.WordCount;
        foreach (int token in set.AllTokens)
        {
            if (ends.Contains(token))
                continue;
            Pieces++;
            if (token == unknown)
                Unknown++;
            else
                _countOf[token] = _countOf.GetValueOrDefault(token) + 1;
        }
    }

    /// <summary>The pieces of sentences that were encoded with all of a tokenizer's ids.</summary>
    public static PieceCounts Of(SentenceSet set, Tokenizer tokenizer) =>
        new(set, tokenizer.Unknown, [tokenizer.Bos ?? -1, tokenizer.Eos ?? -1]);

    public string Locale { get; }

    public long Words { get; }

    /// <summary>All of them, the unknown ones too.</summary>
    public long Pieces { get; }

    public long Unknown { get; }

    /// <summary>By piece that is known, how often it occurs.</summary>
    public IReadOnlyDictionary<int, long> CountOf => _countOf;

    /// <summary>Pieces per word; undefined without words.</summary>
    public double? Fertility => Words == 0 ? null : (double)Pieces / Words;

    /// <summary>The share of pieces that are unknown; undefined without pieces.</summary>
    public double? UnknownShare => Pieces == 0 ? null : (double)Unknown / Pieces;
}
