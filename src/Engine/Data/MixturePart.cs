namespace FastCpt.Engine.Data;

/// <summary>One language in a mixture.</summary>
/// <param name="Weight">Share of the tokens against the other parts; not read where rows are concatenated.</param>
public sealed record MixturePart(string Language, PackedRows Rows, double Weight = 1);
