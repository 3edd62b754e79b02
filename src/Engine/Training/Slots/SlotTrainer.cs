using System.Runtime.InteropServices;
using FastCpt.Engine.Data;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Training.Slots;

/// <summary>Trains learners until each is done: passes over the encoder for the batches of several.</summary>
/// <remarks>
/// A pass holds its learners' batches one after the other, each chosen by seed, locale and step alone. Adapters, heads,
/// gradients, loss divisors, norms and ends are per learner, and dropout goes by sentence, so that a learner's bits are
/// those that it has alone; one that is done leaves its place in the pass. All of a pass are at one step: learners that
/// go on from a later one wait until the others are there.
/// </remarks>
public sealed class SlotTrainer
{
    private readonly XlmRoberta _encoder;
    private readonly Tape _tape;
    private readonly SlotEvaluation _evaluation;
    private readonly ulong _seed;
    private readonly StopSignal _stop;
    private readonly float _headDropout;
    private readonly AdapterRows _rows = new();
    private readonly List<SlotLearner> _turn = [];
    private (RowRange Rows, int Words)[] _parts = [];
    private ClassifierGroup[] _groups = [];

    /// <param name="evaluation">Scores dev sentences with the same encoder.</param>
    /// <param name="seed">Of dropout.</param>
    public SlotTrainer(XlmRoberta encoder, Tape tape, SlotEvaluation evaluation, ulong seed, StopSignal stop)
    {
        (_encoder, _tape, _evaluation, _seed, _stop) = (encoder, tape, evaluation, seed, stop);
        _headDropout = encoder.Config.ClassifierDropout ?? encoder.Config.HiddenDropout;
    }

    /// <summary>Told the epochs of learners, in the order in which they end.</summary>
    public Action<SlotLearner, SlotEpoch> OnEpoch { get; init; } = (_, _) => { };

    /// <summary>Told each learner that is done, with its best weights, while others may go on.</summary>
    public Action<SlotLearner> OnDone { get; init; } = _ => { };

    /// <summary>Told each learner that is to be saved as it stands, between two updates.</summary>
    /// <remarks>Where it throws a RunException, training goes on, unless it is stopped.</remarks>
    public Action<SlotLearner> OnSave { get; init; } = _ => { };

    /// <summary>Told of saves that failed while training goes on.</summary>
    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>Updates between saves; 0: only where somebody asks for a stop or a save.</summary>
    public int SaveSteps { get; init; }

    /// <summary>Tokens of a pass, about: batches of more are cut between learners.</summary>
    public int PassTokens { get; init; } = int.MaxValue;

    /// <summary>Passes over the encoder so far, those that only score left out.</summary>
    public long Passes { get; private set; }

    /// <summary>A learner that fails costs the others nothing: they are trained to their end first.</summary>
    /// <param name="learners">Over this encoder, fresh or to go on; more than one where all are adapters.</param>
    /// <exception cref="RunException">Exit 5: learners whose numbers are not finite, by name. Exit 75: stopped; what is
    /// not done has been told to <see cref="OnSave"/>. What that throws, once all have been told.</exception>
    public void Train(IReadOnlyList<SlotLearner> learners)
    {
        if (learners.Count > 1 && learners.Any(learner => !learner.Weights.IsAdapter))
            throw new ArgumentException("Whole models are trained one at a time.", nameof(learners));
        var batch = new Batch(learners.Sum(learner => learner.Batches.MaxTokens));
        using var losses = new TokenLosses(_encoder.Backend, batch.Capacity);
        List<SlotLearner> active = [.. learners];
        (_parts, _groups) = (new (RowRange, int)[active.Count], new ClassifierGroup[active.Count]);
        try
        {
            while (EndEpochs(active))
            {
                _stop.ThrowIfStopRequested("training");
                SaveDue(active);
                ChooseTurn(active);
                Step(batch, losses);
            }
        }
        catch (RunException stopped) when (stopped.Code == _stop.UnsavedCode)
        {
            List<SlotLearner> unfinished = active.FindAll(learner => !learner.IsDone);
            RunException[] unsaved = [.. unfinished.Select(TrySave).OfType<RunException>()];
            if (unsaved.Length > 0)
                throw new RunException(
                    unsaved[0].Code, string.Join('\n', unsaved.Select(failure => failure.Message)), unsaved[0]);
            throw new RunException(
                ExitCode.Resumable,
                $"training {string.Join(", ", unfinished.Select(learner => learner.Name))}: stopped by {_stop.Reason}. "
                + "What was saved goes on.", stopped);
        }

        RunException[] failures = [.. learners.Select(learner => learner.Failure).OfType<RunException>()];
        if (failures.Length > 0)
            throw new RunException(
                ExitCode.Numerics, string.Join('\n', failures.Select(failure => failure.Message)), failures[0]);
    }

    /// <summary>Judges what has ended an epoch, perhaps before it was saved, and lets go of what has ended.</summary>
    /// <returns>Whether there is more to train.</returns>
    private bool EndEpochs(List<SlotLearner> active)
    {
        active.RemoveAll(static learner => learner.Failure is not null);
        foreach (SlotLearner learner in active)
            if (learner.IsAtEpochEnd)
                EndEpoch(learner);
        active.RemoveAll(static learner => learner.IsDone);
        return active.Count > 0;
    }

    private void SaveDue(List<SlotLearner> active)
    {
        bool isAsked = _stop.TakeSaveRequest();
        foreach (SlotLearner learner in active)
            if (isAsked || SaveSteps > 0 && learner.Step > 0 && learner.Step % SaveSteps == 0)
                if (TrySave(learner) is { } failure)
                    Warn($"{failure.Message} Training of {learner.Name} goes on.");
    }

    /// <returns>Why it is not saved; null where it is.</returns>
    private RunException? TrySave(SlotLearner learner)
    {
        try
        {
            OnSave(learner);
            return null;
        }
        catch (RunException failure)
        {
            return failure;
        }
    }

    private void ChooseTurn(List<SlotLearner> active)
    {
        long least = long.MaxValue;
        foreach (SlotLearner learner in active)
            least = Math.Min(least, learner.Step);
        _turn.Clear();
        foreach (SlotLearner learner in active)
            if (learner.Step == least)
                _turn.Add(learner);
    }

    /// <summary>One update of each learner whose turn it is.</summary>
    private void Step(Batch batch, TokenLosses losses)
    {
        long total = 0, before = 0, pass = 0;
        foreach (SlotLearner learner in _turn)
            total += learner.Batches.TokensAt(learner.Step);
        long passes = ((total - 1) / PassTokens) + 1;
        Span<SlotLearner> turn = CollectionsMarshal.AsSpan(_turn);
        int first = 0;
        for (int i = 0; i < turn.Length; i++)
        {
            // By the middle of its tokens, so that passes are about as long as one another.
            int tokens = turn[i].Batches.TokensAt(turn[i].Step);
            long place = (2 * before + tokens) * passes / (2 * total);
            if (place > pass && i > first)
            {
                Pass(turn[first..i], batch, losses);
                first = i;
            }

            (pass, before) = (place, before + tokens);
        }

        Pass(turn[first..], batch, losses);
    }

    private void Pass(ReadOnlySpan<SlotLearner> learners, Batch batch, TokenLosses losses)
    {
        Passes++;
        batch.Clear();
        _rows.Clear();
        SlotWeights.Detach(_encoder);
        for (int i = 0; i < learners.Length; i++)
        {
            SlotLearner learner = learners[i];
            (int row, int words) = (batch.TokenCount, batch.PredictedTokens);
            learner.Batches.Append(learner.Step, batch);
            words = batch.PredictedTokens - words;
            _parts[i] = (new RowRange(row, batch.TokenCount - row), words);
            _groups[i] = new ClassifierGroup(learner.Weights.Head, _parts[i].Rows, words == 0 ? 0 : 1f / words);
            learner.Weights.Attach(_encoder, place: i);
            _rows.Add(i, _parts[i].Rows);
            learner.Weights.ClearGradients();
        }

        _tape.BeginTraining(seed: _seed, update: learners[0].Step + 1);
        ModelInputs inputs = ModelInputs.Upload(
            _tape, batch.TokenIds, batch.Positions, batch.Segments, batch.Targets, batch.RowKeys);
        if (learners[0].Weights.IsAdapter)
            inputs = inputs with { Adapters = _rows };
        TokenClassifier.Losses(
            _tape, _encoder, inputs, _groups.AsSpan(0, learners.Length), _headDropout, losses.For(batch.TokenCount));
        _tape.Backward();
        for (int i = 0; i < learners.Length; i++)
            learners[i].Update(losses.Sum(_parts[i].Rows), _parts[i].Words);
    }

    private void EndEpoch(SlotLearner learner)
    {
        learner.Weights.AttachAlone(_encoder);
        double f1 = learner.Dev.Average(set => _evaluation.Measure(learner.Weights.Head, set).F1);
        learner.Judge(f1);
        OnEpoch(learner, learner.Epochs[^1]);
        if (learner.IsDone)
            OnDone(learner);
    }
}
