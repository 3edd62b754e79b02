using System.Text.Json.Nodes;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Training.Slots;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Scores of a state on the locales that the study reads of it, of the weights as they are stored.</summary>
/// <remarks>
/// An artefact of its own: further locales and other test sentences are scored without anything being trained anew, but
/// for whole models that were not kept. The state's cpt_state.json takes the scores in.
/// </remarks>
internal sealed class StateScores(LearnedState state, AdapterStudyConfig config, Func<SlotSession> session)
    : Artefact($"{state.Name}/scores", config.OutputDir, state)
{
    private readonly SortedSet<string> _locales = new(StringComparer.Ordinal);

    public LearnedState State => state;

    /// <summary>On which it is scored.</summary>
    public IReadOnlyCollection<string> Locales => _locales;

    /// <summary>Adds locales; only while the study is laid out, before the key is asked for.</summary>
    public void Want(IEnumerable<string> locales) => _locales.UnionWith(locales);

    /// <exception cref="RunException">Exit 3: the file of a complete artefact was changed by hand.</exception>
    public SlotStateScores Load() => SlotStateScores.Load(Folder);

    /// <summary>What the test sentences of some locales score.</summary>
    public static SlotStateScores Measure(
        SlotSession session, XlmRoberta encoder, TokenClassifier head, IEnumerable<string> locales)
    {
        SlotEvaluation evaluation = session.Evaluation(encoder);
        return new SlotStateScores(session.Device, locales.ToDictionary(
            locale => locale, locale => evaluation.Measure(head, session.Sentences.Of(locale, Partition.Test))));
    }

    /// <summary>The state's weights come as a whole folder; only scores are written within it.</summary>
    protected override string? AlsoWritesInto => state.WeightsFolder;

    protected override JsonObject Recipe() => SlotRecipe.OfScores(config, HashOf, _locales);

    protected override void MakeContent(StudyRun run)
    {
        SlotSession here = session();
        SlotStateFiles.Require(state.WeightsFolder, config, here);
        SlotStateScores scores = state.Lesson.Rank is null ? OfModel(here) : OfAdapter(here, run);
        AdapterState about = AdapterState.Read(state.WeightsFolder) ?? throw new RunException(
            ExitCode.ModelFile, $"{state.WeightsFolder}: has no {AdapterState.FileName}, which says what it is.");
        about = about with { TestF1 = scores.Test.ToDictionary(score => score.Key, score => score.Value.F1) };
        AtomicFile.Write(Path.Combine(state.WeightsFolder, AdapterState.FileName), about.ToBytes(), run.Files);
        scores.Write(Folder, run.Files);
    }

    private SlotStateScores OfModel(SlotSession here)
    {
        using XlmRoberta encoder = here.Load(state.WeightsFolder);
        using var head = new TokenClassifier(
            encoder.Backend, encoder.Parameters.Type, encoder.Config.Width, here.Sentences.Labels);
        SlotHeadFile.Read(state.WeightsFolder, head.Parameters);
        return Measure(here, encoder, head, _locales);
    }

    private SlotStateScores OfAdapter(SlotSession here, StudyRun run)
    {
        using SlotWeights weights =
            SlotWeights.Load(here.Frozen, state.WeightsFolder, here.Sentences.Labels, run.Say);
        weights.AttachAlone(here.Frozen);
        return Measure(here, here.Frozen, weights.Head, _locales);
    }
}
