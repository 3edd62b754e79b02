namespace FastCpt.Engine.Adapters;

/// <summary>The pair of tensors of one module.</summary>
/// <param name="Module">As the base's parameters are called, without <c>.weight</c>.</param>
/// <param name="A">Key of [R, K] in the file.</param>
/// <param name="B">Key of [N, R] in the file.</param>
public sealed record PeftPair(string Module, string A, string B, int Rank, float Scale);
