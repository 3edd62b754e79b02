using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training.Slots;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Weights after one more language, at the epoch that dev chose.</summary>
/// <remarks>
/// An adapter lies in adapter/ (LoRA and prefixes as PEFT stores them), a whole encoder with its head in model/, which
/// goes when nothing needs it and nobody keeps it. Until it is complete, its training goes on from checkpoints/.
/// lora-sharing.md 1.2.
/// </remarks>
internal sealed class LearnedState : Artefact
{
    private readonly AdapterStudyConfig _config;
    private readonly Func<SlotSession> _session;
    private readonly LearnedState? _previous;

    /// <param name="previous">The state that the last stage goes on from; null for the encoder itself.</param>
    /// <param name="fused">The states whose bottlenecks are fused.</param>
    /// <param name="session">Opens the session when it is first needed.</param>
    public LearnedState(
        string name, AdapterStudyConfig config, SlotLesson lesson, LearnedState? previous,
        IReadOnlyList<LearnedState> fused, TokenizerArtefact tokenizer, ModelArtefact encoder,
        Func<SlotSession> session)
        : base(
            name, config.OutputDir,
            [tokenizer, encoder, .. previous is null ? Array.Empty<LearnedState>() : [previous], .. fused])
    {
        (_config, Lesson, _previous, Fused, _session) = (config, lesson, previous, fused, session);
    }

    public SlotLesson Lesson { get; }

    /// <summary>The states whose bottlenecks are fused; empty where none are.</summary>
    public IReadOnlyList<LearnedState> Fused { get; }

    /// <summary>Of the adapter, or of the whole encoder.</summary>
    public string WeightsFolder => Path.Combine(Folder, Lesson.Rank is null ? "model" : "adapter");

    public override bool HasContent => Directory.Exists(WeightsFolder);

    /// <summary>Adapters of one seed share a pass, whatever they go on from; ranks may differ.</summary>
    public override object? MadeWith => Lesson.Rank is null ? null : Lesson.Seed;

    /// <exception cref="RunException">Exit 3: the file of a complete artefact was changed by hand.</exception>
    public LearnedStateFacts Load() => LearnedStateFacts.Load(Folder);

    /// <summary>Deletes what training would have gone on from, once it has ended, also what a kill has left.</summary>
    public void DropCheckpoints(StudyRun run)
    {
        if (Directory.Exists(CheckpointFolder) && IsUpToDate)
            Drop(CheckpointFolder, run);
    }

    /// <summary>Deletes a whole encoder that nobody needs any more.</summary>
    public void DropModel(StudyRun run)
    {
        if (Lesson.Rank is null && HasContent)
            Drop(WeightsFolder, run);
    }

    protected override JsonObject Recipe() => SlotRecipe.OfTraining(
        _config, HashOf, Lesson.Locales,
        ("locales", string.Join('+', Lesson.Locales)),
        ("rank", Lesson.Rank),
        ("init_seed", InitSeed),
        ("adapter_drawn_for", Lesson.Rank is null ? null : Lesson.Stages[0][0]),
        ("data_seed", DataSeed),
        ("lora", Lesson.Rank is null ? null : SlotRecipe.OfAdapters(_config)),
        ("training", TrainingJson()),
        ("attention_dropout", true)); // As the encoder's config.json has it; a state made without is another one.

    protected override void MakeContent(StudyRun run) => MakeContents([this], run, _ => { });

    protected override void MakeContents(
        IReadOnlyList<Artefact> artefacts, StudyRun run, Action<Artefact> made)
    {
        SlotSession session = _session();
        LearnedState[] states = [.. artefacts.Cast<LearnedState>()];
        XlmRoberta encoder = Lesson.Rank is not null ? session.Frozen
            : _previous is null ? session.LoadStart() : session.Load(_previous.WeightsFolder);
        var weights = new List<SlotWeights>();
        var learners = new List<SlotLearner>();
        var checkpoints = new List<SlotCheckpoints>();
        try
        {
            foreach (LearnedState state in states)
            {
                weights.Add(state.Begin(session, encoder, run));
                learners.Add(state.Learner(session, weights[^1]));
                state.FillMasters(session, learners[^1]);
                checkpoints.Add(new SlotCheckpoints(
                    state.CheckpointFolder, state.Key, learners[^1], run.Say, run.Files));
                checkpoints[^1].Restore();
            }

            using PackedWeights? packed = session.Pack(learners);
            session.Trainer(encoder, DataSeed, onDone: learner =>
            {
                int i = learners.IndexOf(learner);
                session.RequireFrozen();
                states[i].Finish(session, encoder, learner, run);
                made(states[i]);
                checkpoints[i].Dispose();
                states[i].DropCheckpoints(run);
            }, onSave: learner => checkpoints[learners.IndexOf(learner)].Save()).Train(learners);
        }
        finally
        {
            checkpoints.ForEach(one => one.Dispose());
            learners.ForEach(learner => learner.Dispose());
            weights.ForEach(one => one.Dispose());
            if (encoder != session.FrozenOrNull)
                encoder.Dispose();
        }
    }

    private string CheckpointFolder => Path.Combine(Folder, "checkpoints");

    private ulong InitSeed => _config.InitSeedOf(Lesson.Seed);

    private ulong DataSeed => _config.DataSeedOf(Lesson.Seed);

    /// <summary>By the first locale that it learns, so that it is the same whichever strategy begins with that.
    /// </summary>
    private ulong AdapterSeed => LocaleKey.StartSeed(InitSeed, Lesson.Stages[0][0]);

    private SlotWeights Begin(SlotSession session, XlmRoberta encoder, StudyRun run)
    {
        int labels = session.Sentences.Labels;
        foreach (LearnedState from in _previous is null ? Fused : [_previous])
            SlotStateFiles.Require(from.WeightsFolder, _config, session);
        if (Fused.Count > 0)
            return SlotWeights.Fused(
                encoder, [.. Fused.Select(state => (state.Lesson.Locales[0], state.WeightsFolder))], AdapterSeed,
                labels, InitSeed, run.Say);
        if (Lesson.Rank is { } rank)
            return _previous is not null ? SlotWeights.Load(encoder, _previous.WeightsFolder, labels, run.Say)
                : SlotRecipe.Blocks(_config, rank, AdapterSeed) is { } blocks
                    ? SlotWeights.Adapted(encoder, blocks, labels, InitSeed)
                    : SlotWeights.Adapted(encoder, SlotRecipe.Lora(_config, rank, AdapterSeed), labels, InitSeed);
        SlotWeights whole = SlotWeights.Whole(encoder, labels, InitSeed);
        if (_previous is not null)
            SlotHeadFile.Read(_previous.WeightsFolder, whole.Head.Parameters);
        return whole;
    }

    private SlotLearner Learner(SlotSession session, SlotWeights weights) => new(
        Name, weights,
        new SentenceBatches(
            Lesson.Locales.Select(locale => session.Sentences.Of(locale, Partition.Train)),
            _config.Training.BatchSize, DataSeed),
        [.. Lesson.Locales.Select(locale => session.Sentences.Of(locale, Partition.Dev))], _config.Training,
        masters: _config.Precision != Precision.PureBf16);

    private void FillMasters(SlotSession session, SlotLearner learner)
    {
        if (Lesson.Rank is null)
            SlotStateFiles.FillMasters(
                learner, _previous?.WeightsFolder ?? session.EncoderFolder, hasHead: _previous is not null);
        else if (_previous is not null)
            SlotStateFiles.FillMasters(learner, session.Frozen, _previous.WeightsFolder);
    }

    private void Finish(SlotSession session, XlmRoberta encoder, SlotLearner learner, StudyRun run)
    {
        SlotStateFiles.Write(this, _config, session, encoder, learner, run);
        new LearnedStateFacts(
            learner.Weights.Trained[0].TrainedCount, learner.Weights.Head.Parameters.Count, learner.Epochs,
            learner.BestEpoch).Write(Folder, run.Files);
    }

    /// <summary>Deletes a folder, perhaps while another process of the study does the same; a failure is only said.
    /// </summary>
    /// <remarks>
    /// Its name goes first, so that half a model is never loaded. What a kill leaves is in the study's folder, which is
    /// swept whenever the study is started; a state that is complete is not.
    /// </remarks>
    private static void Drop(string folder, StudyRun run)
    {
        try
        {
            string trash = Leftovers.TrashFor(Path.Combine(run.OutputDir, Path.GetFileName(folder)));
            run.Files.RenameFolder(folder, trash);
            run.Files.DeleteFolder(trash);
        }
        catch (DirectoryNotFoundException)
        {
            // Another process was faster.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            run.Say($"{folder}: could not be deleted: {e.Message}");
        }
    }

    private JsonObject TrainingJson()
    {
        JsonObject training = (JsonObject)_config.ToJson()["training"]!.DeepClone(); // written by ToJson
        training.Remove("preset");
        training.Remove("save_steps");
        training.Remove(Lesson.Rank is null ? "lora_learning_rate" : "learning_rate");
        return training;
    }
}
