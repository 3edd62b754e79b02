using System.Diagnostics;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Data;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;
using FastCpt.Engine.Training;

namespace FastCpt.Tests;

/// <summary>The instants at which a study can be cut short: every step of its file system and every poll.</summary>
/// <remarks>
/// They are the same in every run of a study, so the n-th of a phase names one reproducibly. The phase of a file step
/// is that of its path; the phase of a poll is that of the class that polls, found on the stack.
/// </remarks>
internal sealed class StudyInstants(string studyFolder, int batchesPerStep) : FileSystem
{
    private static readonly (Type Polls, StudyPhase Phase)[] PollsOf =
    [
        (typeof(BpeTrainer), StudyPhase.TokenizerTraining),
        (typeof(CorpusScan), StudyPhase.Tokenising),
        (typeof(CorpusTokenizer), StudyPhase.Tokenising),
        (typeof(Combine), StudyPhase.MergeTensors),
        (typeof(Drift), StudyPhase.Scoring),
    ];

    private readonly int[] _counts = new int[Enum.GetValues<StudyPhase>().Length];
    private string _artefact = "";
    private int _microBatch;

    /// <summary>Called at every instant with its phase and its number in the phase, from 1.</summary>
    public Action<StudyPhase, int>? At { get; init; }

    /// <summary>How many instants each phase had.</summary>
    public IReadOnlyDictionary<StudyPhase, int> Counts =>
        Enum.GetValues<StudyPhase>().ToDictionary(phase => phase, phase => _counts[(int)phase]);

    /// <summary>For <see cref="StopSignal.OnPoll"/>.</summary>
    public void Poll() => Count(PhaseOfPoll());

    protected override void Before(FileStep step, string path)
    {
        string name = Path.GetRelativePath(studyFolder, path).Replace('\\', '/');
        if (name.EndsWith(".artefact.json", StringComparison.Ordinal))
            _artefact = name[..name.LastIndexOf('/')];
        Count(PhaseOfPath(name));
    }

    private void Count(StudyPhase phase)
    {
        int number = ++_counts[(int)phase];
        At?.Invoke(phase, number);
    }

    private bool IsBase => _artefact.EndsWith("/base", StringComparison.Ordinal);

    private StudyPhase PhaseOfPath(string name) => name switch
    {
        _ when name.EndsWith(".artefact.json", StringComparison.Ordinal) => StudyPhase.Other,
        _ when name.StartsWith("tokenizer/", StringComparison.Ordinal) => StudyPhase.TokenizerWrite,
        _ when name.StartsWith("shards/", StringComparison.Ordinal) => StudyPhase.ShardWrite,
        _ when name.StartsWith("evaluation/", StringComparison.Ordinal) => StudyPhase.ScoreWrite,
        _ when name.EndsWith("results.json", StringComparison.Ordinal) => StudyPhase.ReportWrite,
        _ when name.EndsWith("report.html", StringComparison.Ordinal) => StudyPhase.ReportWrite,
        _ when name.Contains("/checkpoints/", StringComparison.Ordinal) =>
            IsBase ? StudyPhase.BaseCheckpoint : StudyPhase.SystemCheckpoint,
        _ when name.Split('/') is not [_, _, var entry, ..] || !entry.EndsWith("final", StringComparison.Ordinal) =>
            StudyPhase.Other,
        _ when IsBase => StudyPhase.BaseFinal,
        _ => name.Contains("reverted", StringComparison.Ordinal) || name.Contains("soup", StringComparison.Ordinal)
            ? StudyPhase.MergeWrite
            : StudyPhase.SystemFinal,
    };

    private StudyPhase PhaseOfPoll()
    {
        Type[] callers = [.. new StackTrace().GetFrames().Select(frame => frame.GetMethod()?.DeclaringType!)
            .Select(type => type?.DeclaringType ?? type!)];
        if (callers.Contains(typeof(StepGradient)))
        {
            bool isFirst = _microBatch++ % batchesPerStep == 0;
            return (IsBase, isFirst) switch
            {
                (true, true) => StudyPhase.BaseStepStart,
                (true, false) => StudyPhase.BaseAccumulation,
                (false, true) => StudyPhase.SystemStepStart,
                (false, false) => StudyPhase.SystemAccumulation,
            };
        }

        bool isTraining = callers.Contains(typeof(Trainer));
        if (callers.Contains(typeof(Perplexity)))
            return !isTraining ? StudyPhase.Scoring : IsBase ? StudyPhase.BaseEvaluation : StudyPhase.SystemEvaluation;
        if (isTraining)
            return IsBase ? StudyPhase.BaseStepEnd : StudyPhase.SystemStepEnd;
        return PollsOf.FirstOrDefault(known => callers.Contains(known.Polls)).Phase;
    }
}
