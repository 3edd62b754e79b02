using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training.Slots;

/// <summary>One language's run, or several languages' together: what trains, in which batches, how long.</summary>
/// <remarks>
/// Everything is its own: optimizer, schedule, clipping, the choice of the best epoch. So it ends with the same bits
/// whichever others are trained in the same passes. lora-sharing.md 1.2, 1.4.
/// </remarks>
public sealed class SlotLearner : IDisposable
{
    private readonly AdamW _optimizer;
    private readonly Schedule _schedule;
    private readonly WeightSnapshot _best;
    private readonly Dictionary<Parameter, Tensor> _masters;
    private readonly List<SlotEpoch> _epochs = [];
    private readonly int _patience;
    private double _lossNats, _bestF1 = double.NegativeInfinity;
    private long _words;
    private int _misses;

    /// <param name="name">What messages call it.</param>
    /// <param name="weights">What trains; it stays the caller's, and ends as the best epoch left it.</param>
    /// <param name="dev">What the best epoch is chosen by: the mean F1 of these.</param>
    /// <param name="masters">Keep F32 originals of BF16 values.</param>
    public SlotLearner(
        string name, SlotWeights weights, SentenceBatches batches, IReadOnlyList<SentenceSet> dev,
        SlotTrainingConfig settings, bool masters = true)
    {
        (Name, Weights, Batches, Dev, _patience) = (name, weights, batches, dev, settings.Patience);
        long steps = (long)settings.Epochs * batches.BatchesPerEpoch;
        ScheduleKind kind = settings.Scheduler switch
        {
            Scheduler.Cosine => ScheduleKind.Cosine,
            Scheduler.Constant => ScheduleKind.Constant,
            _ => ScheduleKind.Linear,
        };
        _schedule = new Schedule(
            kind, weights.IsAdapter ? settings.LoraLearningRate : settings.LearningRate, 0,
            Math.Min(settings.WarmupSteps, steps), steps);
        _optimizer = new AdamW(
            weights.Trained,
            new AdamWSettings(
                (float)settings.AdamBeta1, (float)settings.AdamBeta2, (float)settings.AdamEpsilon,
                (float)settings.WeightDecay, (float)settings.MaxGradNorm),
            _ => default, masters);
        _masters = _optimizer.States.Where(state => state.HasMaster)
            .ToDictionary(state => state.Parameter, state => state.Master);
        _best = new WeightSnapshot(weights.Backend, _optimizer.States);
    }

    public string Name { get; }

    public SlotWeights Weights { get; }

    public SentenceBatches Batches { get; }

    public IReadOnlyList<SentenceSet> Dev { get; }

    /// <summary>Updates so far, of all that the schedule has.</summary>
    public long Step { get; private set; }

    /// <summary>Whether all epochs are done, or dev F1 has not risen for too long.</summary>
    public bool IsDone { get; private set; }

    /// <summary>In order.</summary>
    public IReadOnlyList<SlotEpoch> Epochs => _epochs;

    /// <summary>The epoch whose weights are kept: the first of the best dev F1; 0 before any.</summary>
    public int BestEpoch { get; private set; }

    /// <summary>F32 originals of what trains in BF16; none where values are their own.</summary>
    public IReadOnlyDictionary<Parameter, Tensor> Masters => _masters;

    /// <summary>Memory of what trains: values and gradients, masters, two moments, the best epoch.</summary>
    public long StateBytes => _best.Copies.Sum(copy =>
        copy.State.Parameter.Value.Bytes + copy.State.Parameter.Gradient.Bytes
        + (copy.State.HasMaster ? copy.State.Master.Bytes : 0) + 2 * copy.State.FirstMoment.Bytes + copy.Copy.Bytes);

    /// <summary>Why it ended before its time; null while nothing is wrong.</summary>
    public RunException? Failure { get; private set; }

    /// <summary>Whether the updates of an epoch are done that is to be judged.</summary>
    internal bool IsAtEpochEnd => Step == (_epochs.Count + 1L) * Batches.BatchesPerEpoch;

    /// <summary>With <see cref="Tensors"/> all that going on needs.</summary>
    internal SlotProgress Progress => new(Step, _lossNats, _words, [.. _epochs]);

    /// <summary>One update by the gradients that a pass left.</summary>
    /// <param name="lossNats">Sum over the words of its batch.</param>
    /// <param name="words">Labelled words of its batch; with none there is no gradient and no update.</param>
    /// <remarks>Where loss or gradient is not finite the weights stay as before, and the learner has failed.</remarks>
    internal void Update(double lossNats, int words)
    {
        if (words > 0)
        {
            double norm = _optimizer.GradientNorm();
            if (!double.IsFinite(lossNats) || !double.IsFinite(norm))
            {
                Failure = new RunException(
                    ExitCode.Numerics,
                    FormattableString.Invariant(
                        $"{Name}: step {Step + 1}: loss {lossNats / words}, gradient norm {norm}; the first that is ")
                    + $"not finite: {_optimizer.FirstNonFinite() ?? "the loss alone"}. Lower the learning rate.");
                return;
            }

            _optimizer.Update(norm, _schedule.At(Step), Step + 1);
            _lossNats += lossNats;
            _words += words;
        }

        Step++;
    }

    /// <summary>What is stored of a parameter: its master where it has one.</summary>
    public Tensor ValueOf(Parameter parameter) => _masters.GetValueOrDefault(parameter, parameter.Value);

    /// <summary>Ends an epoch: keeps its weights where they are the best, and says whether that was the last.</summary>
    internal void Judge(double devF1)
    {
        Add(new SlotEpoch(_epochs.Count + 1, _words == 0 ? 0 : _lossNats / _words, devF1));
        (_lossNats, _words) = (0, 0);
        if (BestEpoch == _epochs.Count)
            _best.Take();
        if (Step < _schedule.TotalSteps && !IsSpent(_misses))
            return;
        IsDone = true;
        _best.Restore();
    }

    /// <summary>Weights, or their F32 masters, and moments; by name.</summary>
    /// <param name="hasBest">Also the best epoch's weights; there are none before an epoch is judged.</param>
    internal Dictionary<string, Tensor> Tensors(bool hasBest)
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (state, best) in _best.Copies)
        {
            string name = state.Parameter.Name;
            tensors.Add(name, state.Master);
            tensors.Add($"{name}.first_moment", state.FirstMoment);
            tensors.Add($"{name}.second_moment", state.SecondMoment);
            if (hasBest)
                tensors.Add($"{name}.best", best);
        }

        return tensors;
    }

    /// <summary>Whether training comes by there, and has more to do.</summary>
    internal bool CanStandAt(SlotProgress progress)
    {
        long judged = (long)progress.Epochs.Count * Batches.BatchesPerEpoch;
        (double best, int misses) = (double.NegativeInfinity, 0);
        for (int i = 0; i < progress.Epochs.Count; i++)
        {
            double f1 = progress.Epochs[i].DevF1;
            (best, misses) = f1 > best ? (f1, 0) : (best, misses + 1);
            if (progress.Epochs[i].Number != i + 1 || f1 is not (>= 0 and <= 1) || IsSpent(misses))
                return false;
        }

        return judged < _schedule.TotalSteps
            && progress.Step >= judged && progress.Step <= judged + Batches.BatchesPerEpoch
            && progress.Words >= 0 && double.IsFinite(progress.LossNats)
            && (progress.Step > judged || progress is { Words: 0, LossNats: 0 });
    }

    /// <summary>Takes the place of a learner of the same settings, whose <see cref="Tensors"/> these hold.</summary>
    internal void GoOnFrom(SlotProgress progress)
    {
        (Step, _lossNats, _words) = (progress.Step, progress.LossNats, progress.Words);
        foreach (SlotEpoch epoch in progress.Epochs)
            Add(epoch);
        foreach (AdamW.State state in _optimizer.States)
            if (state.HasMaster)
                Weights.Backend.Convert(state.Master, state.Parameter.Value);
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _best.Dispose();
    }

    private bool IsSpent(int misses) => _patience > 0 && misses >= _patience;

    private void Add(SlotEpoch epoch)
    {
        _epochs.Add(epoch);
        if (epoch.DevF1 > _bestF1)
            (_bestF1, _misses, BestEpoch) = (epoch.DevF1, 0, _epochs.Count);
        else
            _misses++;
    }
}
