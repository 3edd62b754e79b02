using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Where a value that is not finite is put.</summary>
internal enum FaultSite
{
    Loss,
    Gradient,
    Anchor,
    Moment,
    EmbeddingRow,
}

/// <summary>Puts a value that is not finite into chosen steps, and keeps what training held when judged.</summary>
internal sealed class SpoiledStep(
    Backend backend, FaultSite site, double value, Func<long, bool> isSpoiled, long times = long.MaxValue) : StepFaults
{
    private long _left = times;

    /// <summary>Weights and moments before the update that must not be.</summary>
    public List<double[]> Before { get; private set; } = [];

    public override double BeforeUpdate(long step, double lossNats, AdamW optimizer)
    {
        // Moments show in the step after, by what they do to the weights; a pull looks at the weights at once.
        bool isAhead = site == FaultSite.Moment;
        bool spoils = isSpoiled(isAhead ? step + 1 : step) && _left > 0;
        if (spoils)
        {
            _left--;
            Spoil(optimizer);
        }

        if (isSpoiled(step))
            Before = State(backend, optimizer);
        return spoils && site == FaultSite.Loss ? value : lossNats;
    }

    /// <summary>All that an update changes.</summary>
    public static List<double[]> State(Backend backend, AdamW optimizer) =>
    [
        .. optimizer.States.SelectMany(state =>
            new[] { state.Master, state.Parameter.Value, state.FirstMoment, state.SecondMoment })
            .Select(tensor => TestTensors.Read(backend, tensor)),
    ];

    private void Spoil(AdamW optimizer)
    {
        AdamW.State embedding = optimizer.States[0];
        AdamW.State other = optimizer.States[^2];
        switch (site)
        {
            case FaultSite.Gradient:
                Put(other.Parameter.Gradient, [other.Parameter.Gradient.Length / 2]);
                break;
            case FaultSite.Anchor:
                Put(other.Pull.Anchor, [0]);
                break;
            case FaultSite.Moment:
                Put(other.SecondMoment, [1]);
                break;
            case FaultSite.EmbeddingRow:
                long columns = embedding.Parameter.Value.Shape[1];
                Put(embedding.Parameter.Value, Enumerable.Range(0, (int)columns).Select(i => 100 * columns + i));
                break;
        }
    }

    private void Put(Tensor tensor, IEnumerable<long> places)
    {
        double[] values = TestTensors.Read(backend, tensor);
        foreach (long place in places)
            values[place] = value;
        TestTensors.Write(backend, values, tensor);
    }
}
