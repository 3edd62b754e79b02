namespace FastCpt.Tests;

/// <summary>What a study does at an instant.</summary>
internal enum StudyPhase
{
    /// <summary>Creating folders, stamping artefacts, loading models.</summary>
    Other,
    TokenizerTraining,
    TokenizerWrite,
    Tokenising,
    ShardWrite,
    BaseStepStart,
    BaseAccumulation,
    BaseStepEnd,
    BaseEvaluation,
    BaseCheckpoint,
    BaseFinal,
    SystemStepStart,
    SystemAccumulation,
    SystemStepEnd,
    SystemEvaluation,
    SystemCheckpoint,
    SystemFinal,
    MergeTensors,
    MergeWrite,
    Scoring,
    ScoreWrite,
    ReportWrite,
}
