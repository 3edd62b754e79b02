namespace FastCpt.Engine.Training;

/// <summary>Shape of the learning rate after warm-up.</summary>
public enum ScheduleKind
{
    /// <summary>
    /// Half a cosine from the peak to the minimum. Loshchilov and Hutter 2017, equation 5, without restarts.
    /// </summary>
    Cosine,

    /// <summary>A straight line from the peak to the minimum.</summary>
    Linear,

    Constant,

    /// <summary>
    /// Warm-up, stable, decay: the peak until the last steps, then a line to the minimum. Hu et al. 2024.
    /// </summary>
    WarmupStableDecay,
}

/// <summary>Learning rate of every update: a line from 0 to the peak, then what the kind says.</summary>
/// <param name="DecaySteps">Length of the last part of <see cref="ScheduleKind.WarmupStableDecay"/>.</param>
public sealed record Schedule(
    ScheduleKind Kind, double Peak, double Minimum, long WarmupSteps, long TotalSteps, long DecaySteps = 0)
{
    /// <summary>
    /// The rate after a number of updates: 0 at none, the peak at the end of warm-up, the minimum at the end.
    /// </summary>
    /// <remarks>
    /// Update number n, counted from 1, uses <c>At(n − 1)</c>: the first one of a warm-up moves nothing.
    /// </remarks>
    public double At(long updates)
    {
        if (updates < WarmupSteps)
            return Peak * updates / WarmupSteps;
        long start = Kind == ScheduleKind.WarmupStableDecay
            ? Math.Max(WarmupSteps, TotalSteps - DecaySteps)
            : WarmupSteps;
        double progress = TotalSteps > start ? Math.Clamp((double)(updates - start) / (TotalSteps - start), 0, 1) : 1;
        return Kind switch
        {
            ScheduleKind.Constant => Peak,
            ScheduleKind.Cosine => Minimum + (Peak - Minimum) * 0.5 * (1 + Math.Cos(Math.PI * progress)),
            _ => updates < start ? Peak : Peak + (Minimum - Peak) * progress,
        };
    }
}
