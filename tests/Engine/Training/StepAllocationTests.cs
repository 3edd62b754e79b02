using FastCpt.Engine.Config;
using FastCpt.Engine.Training;

namespace FastCpt.Tests.Engine.Training;

/// <summary>The training loop itself, from batch to update: a warm step allocates nothing managed.</summary>
[Category("slow")]
internal sealed class StepAllocationTests
{
    private const int Warm = 140, Steps = 160; // the windows of the divergence watch are full after 128

    [Test]
    public void WarmSteps_AllocateNothing_BetweenLogLines()
    {
        using var runs = new TinyRun();
        RunConfig config = runs.Config("steady");
        var seen = new AllocatedBytes();
        runs.Train(
            config with
            {
                Training = config.Training with
                {
                    MaxSteps = Steps, EvalSteps = 0, SaveSteps = 0, LogSteps = 10 * Steps, LearningRate = 1e-3,
                },
            },
            faults: seen);
        long[] between = [.. seen.AtStep.Skip(1).Zip(seen.AtStep, (later, earlier) => later - earlier)];
        Assert.That(between[Warm..], Has.All.Zero, string.Join(' ', between[Warm..]));
    }

    /// <summary>Looks at the training thread's count once a step.</summary>
    private sealed class AllocatedBytes : StepFaults
    {
        private readonly long[] _atStep = new long[Steps];

        public IReadOnlyList<long> AtStep => _atStep;

        public override double BeforeUpdate(long step, double lossNats, AdamW optimizer)
        {
            _atStep[step - 1] = GC.GetAllocatedBytesForCurrentThread();
            return lossNats;
        }
    }
}
