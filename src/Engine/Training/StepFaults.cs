namespace FastCpt.Engine.Training;

/// <summary>Where a test spoils a step, between its gradient and its update; the real one does nothing.</summary>
public class StepFaults
{
    public static StepFaults None { get; } = new();

    /// <param name="step">Number of the update that follows, from 1.</param>
    /// <param name="optimizer">Gives access to gradients, weights, moments and anchors.</param>
    /// <returns>The loss that the step is judged by, in nats.</returns>
    public virtual double BeforeUpdate(long step, double lossNats, AdamW optimizer) => lossNats;
}
