namespace FastCpt.Engine.Data.Massive;

/// <summary>A sentence as words, each with its label.</summary>
/// <param name="Words">None is empty or holds white space.</param>
/// <param name="Labels">As many; ids of a <see cref="LabelMap"/>.</param>
public sealed record LabelledWords(IReadOnlyList<string> Words, IReadOnlyList<int> Labels);
