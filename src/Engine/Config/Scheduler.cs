namespace FastCpt.Engine.Config;

/// <summary>How the learning rate goes on after its warm-up.</summary>
public enum Scheduler
{
    /// <summary>Half a cosine down to min_learning_rate.</summary>
    Cosine,

    /// <summary>A straight line down to min_learning_rate.</summary>
    Linear,

    /// <summary>Stays at the peak.</summary>
    Constant,

    /// <summary>Warm-up, stable, then decay over the last decay_steps.</summary>
    Wsd,
}
