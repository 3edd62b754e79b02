namespace FastCpt.Bench;

/// <summary>A whole training step on random weights and tokens: gradient, clip, AdamW.</summary>
internal abstract class TrainingStep : IDisposable
{
    /// <summary>Of the last step.</summary>
    public abstract int Tokens { get; }

    /// <summary>Operations of the last step.</summary>
    public abstract double Flops { get; }

    /// <returns>Mean loss in nats.</returns>
    public abstract double Run();

    public abstract void Dispose();
}
