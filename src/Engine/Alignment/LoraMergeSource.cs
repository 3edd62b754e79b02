using FastCpt.Engine.Adapters;

namespace FastCpt.Engine.Alignment;

/// <summary>What a merged tensor is made of: one of the base's, perhaps with a pair added; or one of the adapter's.
/// </summary>
/// <param name="Name">Of the base's tensor.</param>
/// <param name="Key">Of the adapter's, stored whole.</param>
internal sealed record LoraMergeSource(string Name, PeftPair? Pair = null, string? Key = null);
