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

    /// <summary>Why it ended before its time; null while nothing is wrong.</summary>
    public RunException? Failure { get; private set; }

    /// <summary>Whether the last update ended an epoch, which is to be judged.</summary>
    internal bool IsAtEpochEnd => Step > 0 && Step % Batches.BatchesPerEpoch == 0;

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
        _epochs.Add(new SlotEpoch(_epochs.Count + 1, _words == 0 ? 0 : _lossNats / _words, devF1));
        (_lossNats, _words) = (0, 0);
        if (devF1 > _bestF1)
        {
            (_bestF1, _misses, BestEpoch) = (devF1, 0, _epochs.Count);
            _best.Take();
        }
        else
        {
            _misses++;
        }

        if (Step < _schedule.TotalSteps && (_patience == 0 || _misses < _patience))
            return;
        IsDone = true;
        _best.Restore();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _best.Dispose();
    }
}
