namespace FastCpt.Engine.Data.Massive;

/// <summary>The training batches of one language, or of several shuffled together: a function of the step.</summary>
/// <remarks>
/// An epoch is a random order of all sentences, cut every n of them; what is left at its end is a smaller batch.
/// The order depends on seed, locales and epoch alone, not on the order in which the sets are given.
/// </remarks>
public sealed class SentenceBatches
{
    private readonly SentenceSet[] _sets;
    private readonly int[] _starts;         // set i: sentences _starts[i] until _starts[i + 1] of all
    private readonly ulong _seed;

    /// <param name="sets">Each of another locale.</param>
    public SentenceBatches(IEnumerable<SentenceSet> sets, int sentencesPerBatch, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sentencesPerBatch, 1);
        _sets = [.. sets.OrderBy(set => set.Locale, StringComparer.Ordinal)];
        if (_sets.Length == 0 || _sets.DistinctBy(set => set.Locale).Count() < _sets.Length)
            throw new ArgumentException("There is no set, or two are of one locale.", nameof(sets));
        SentencesPerBatch = sentencesPerBatch;
        _seed = LocaleKey.ShuffleSeed(seed, _sets.Select(set => set.Locale));
        _starts = new int[_sets.Length + 1];
        for (int i = 0; i < _sets.Length; i++)
            _starts[i + 1] = checked(_starts[i] + _sets[i].Count);
        MaxTokens = Lengths().OrderDescending().Take(sentencesPerBatch).Sum();
    }

    public int SentencesPerBatch { get; }

    /// <summary>Sentences of an epoch.</summary>
    public int Count => _starts[^1];

    public int BatchesPerEpoch => ((Count - 1) / SentencesPerBatch) + 1;

    /// <summary>Tokens that the largest batch can have.</summary>
    public int MaxTokens { get; }

    /// <summary>Adds the sentences of a step to what the batch holds.</summary>
    /// <param name="step">From 0; epochs follow one another.</param>
    /// <returns>How many sentences.</returns>
    public int Append(long step, Batch batch)
    {
        int count = 0;
        foreach (var (set, sentence) in SentencesOf(step))
        {
            set.Append(sentence, batch);
            count++;
        }

        return count;
    }

    /// <summary>Tokens of the batch of a step.</summary>
    /// <param name="step">From 0; epochs follow one another.</param>
    public int TokensAt(long step) => SentencesOf(step).Sum(one => one.Set.Tokens(one.Sentence).Length);

    /// <summary>Fills the batch with the sentences of a step alone.</summary>
    /// <inheritdoc cref="Append"/>
    public int At(long step, Batch batch)
    {
        batch.Clear();
        return Append(step, batch);
    }

    private IEnumerable<(SentenceSet Set, int Sentence)> SentencesOf(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        var (epoch, index) = Math.DivRem(step, BatchesPerEpoch);
        var order = new Permutation(Count, _seed, 0, epoch);
        long first = index * SentencesPerBatch, end = Math.Min(first + SentencesPerBatch, Count);
        for (long place = first; place < end; place++)
        {
            int sentence = (int)order.At(place);
            int set = Array.BinarySearch(_starts, sentence);
            set = set >= 0 ? set : ~set - 1;
            yield return (_sets[set], sentence - _starts[set]);
        }
    }

    private IEnumerable<int> Lengths()
    {
        foreach (SentenceSet set in _sets)
            for (int i = 0; i < set.Count; i++)
                yield return set.Tokens(i).Length;
    }
}
