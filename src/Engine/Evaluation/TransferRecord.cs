using FastCpt.Engine.Config;

namespace FastCpt.Engine.Evaluation;

/// <summary>R and how it came about; one file of a study.</summary>
/// <param name="Order">What the order of the languages is called.</param>
/// <param name="Rank">Of the adapters; null where whole models are trained.</param>
/// <param name="InitSeed">Of adapters and heads.</param>
/// <param name="DataSeed">Of the order of sentences.</param>
/// <param name="OrderSeed">Of the order of languages; null where it was not drawn by the study.</param>
/// <param name="Untrained">What a language is scored with that has no adapter of its own yet.</param>
public sealed record TransferRecord(
    TransferMatrix Scores, string Order, SharingStrategy Strategy, int? Rank, ulong InitSeed, ulong DataSeed,
    ulong? OrderSeed, LabelMode Labels, UntrainedPolicy Untrained);
