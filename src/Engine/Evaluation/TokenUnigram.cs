using FastCpt.Engine.Data;

namespace FastCpt.Engine.Evaluation;

/// <summary>A model that knows how often each token occurs and nothing else: what context must beat.</summary>
/// <remarks>
/// p(v) = (count(v) + 1) / (total + V), additive smoothing (Lidstone 1920; Chen and Goodman 1999, section 2.1).
/// </remarks>
public sealed class TokenUnigram(int vocabularySize)
{
    private readonly double[] _counts = new double[vocabularySize];
    private double _total;

    /// <summary>Adds training documents; their first tokens count too.</summary>
    /// <param name="weight">What a token counts: its share in the mixture over its share in the text.</param>
    public void Add(TokenShard shard, IReadOnlyList<DocumentTokens> documents, double weight)
    {
        int[] tokens = [];
        foreach (DocumentTokens document in documents)
        {
            if (tokens.Length < document.Count)
                tokens = new int[document.Count];
            Span<int> read = tokens.AsSpan(0, document.Count);
            shard.Read(document.Start, read);
            foreach (int token in read)
                _counts[token] += weight;
            _total += weight * read.Length;
        }
    }

    /// <summary>Scores the same tokens that <see cref="Perplexity"/> does.</summary>
    public LanguageScore Measure(string language, ValidationSource source)
    {
        double sum = 0;
        for (int index = 0; index < source.BatchCount; index++)
            foreach (int target in source.At(index).Targets)
                if (target >= 0)
                    sum -= Math.Log((_counts[target] + 1) / (_total + vocabularySize));
        return new LanguageScore(language, sum, source.PredictedTokens, source.PredictedBytes);
    }
}
