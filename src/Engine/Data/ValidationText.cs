namespace FastCpt.Engine.Data;

/// <summary>
/// The documents that a language is evaluated on: all of the validation side, or some chosen by seed.
/// </summary>
public static class ValidationText
{
    /// <param name="maxDocuments">0 for all.</param>
    public static ValidationSource Open(
        string language, TokenShard shard, int maxSegmentTokens, int batchTokens, int maxDocuments, ulong seed) =>
        new(language, shard,
            maxDocuments > 0 ? ValidationSource.Sample(shard.Validation, maxDocuments, seed) : shard.Validation,
            maxSegmentTokens, batchTokens);
}
