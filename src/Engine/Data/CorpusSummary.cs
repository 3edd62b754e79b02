namespace FastCpt.Engine.Data;

/// <summary>What became of a language's text.</summary>
/// <param name="Documents">In the files, without bad lines.</param>
/// <param name="BadLines">Passed over; <paramref name="BadLineExamples"/> has the first few.</param>
public sealed record CorpusSummary(
    long Documents, long TrainingDocuments, long TrainingTokens, long ValidationDocuments, long ValidationTokens,
    long BadLines, IReadOnlyList<string> BadLineExamples);
