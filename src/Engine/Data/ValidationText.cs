namespace FastCpt.Engine.Data;

/// <summary>
/// The documents that languages are evaluated on: all of the validation side, or some chosen by seed.
/// </summary>
public static class ValidationText
{
    /// <param name="maxDocuments">0 for all.</param>
    /// <param name="mask">For masked models.</param>
    public static ValidationSource Open(
        string language, TokenShard shard, int maxSegmentTokens, int batchTokens, int maxDocuments, ulong seed,
        TokenMask? mask = null) =>
        new(language, shard,
            maxDocuments > 0 ? ValidationSource.Sample(shard.Validation, maxDocuments, seed) : shard.Validation,
            maxSegmentTokens, batchTokens, mask);

    /// <summary>Some documents of all languages together, as if their validation sides were one.</summary>
    /// <remarks>family-cpt.md 1.4: 10,000 validation documents of the run, shuffled with the seed.</remarks>
    /// <param name="validation">By language.</param>
    /// <param name="maxDocuments">0 for all.</param>
    /// <returns>By language, in file order; a language may have none.</returns>
    public static IReadOnlyList<IReadOnlyList<DocumentTokens>> OverAll(
        IReadOnlyList<IReadOnlyList<DocumentTokens>> validation, int maxDocuments, ulong seed)
    {
        if (maxDocuments == 0)
            return validation;
        var places = new List<(int Language, DocumentTokens Document)>();
        for (int language = 0; language < validation.Count; language++)
            foreach (DocumentTokens document in validation[language])
                places.Add((language, document));
        ILookup<int, DocumentTokens> chosen = ValidationSource.Sample(places, maxDocuments, seed)
            .ToLookup(place => place.Language, place => place.Document);
        return [.. Enumerable.Range(0, validation.Count).Select(language => chosen[language].ToArray())];
    }
}
