using System.Globalization;
using FastCpt.Engine.Config;

namespace FastCpt.Engine.Training;

/// <summary>Tells when loss or gradient norm leave what they have been.</summary>
/// <remarks>
/// A step is a spike when it lies so many standard deviations above the mean of the last 128 steps; nothing is said
/// before these are known (the outlier detector of llm.c). A loss above a limit counts after so many steps in a row
/// (the loss watchdog of axolotl). The windows are part of a checkpoint, so a resumed run judges alike.
/// </remarks>
public sealed class DivergenceWatch(DivergenceConfig config)
{
    public const int WindowSteps = 128;

    private readonly Queue<double> _losses = new(WindowSteps), _norms = new(WindowSteps);

    /// <summary>Losses in nats of the last steps, oldest first; at most <see cref="WindowSteps"/>.</summary>
    public IReadOnlyCollection<double> Losses => _losses;

    /// <summary>Gradient norms of the same steps.</summary>
    public IReadOnlyCollection<double> Norms => _norms;

    /// <summary>Steps in a row, up to the last, whose loss was above the limit.</summary>
    public int StepsAbove { get; private set; }

    /// <summary>Judges a step, and takes it into the windows.</summary>
    /// <returns>What is wrong with it; null where nothing is, or nothing is asked.</returns>
    public string? Observe(double lossNats, double gradientNorm)
    {
        string? found = Spike("loss", lossNats, _losses) ?? Spike("gradient norm", gradientNorm, _norms);
        StepsAbove = config.LossThreshold > 0 && lossNats > config.LossThreshold ? StepsAbove + 1 : 0;
        if (found is null && StepsAbove > 0 && StepsAbove % config.Patience == 0)
            found = string.Create(
                CultureInfo.InvariantCulture,
                $"the loss {lossNats:G4} is above {config.LossThreshold:G4} for {StepsAbove} steps in a row");
        Add(_losses, lossNats);
        Add(_norms, gradientNorm);
        return config.Action == DivergenceAction.Off ? null : found;
    }

    /// <summary>Goes on from a checkpoint.</summary>
    public void Restore(TrainingProgress progress)
    {
        _losses.Clear();
        _norms.Clear();
        foreach (double loss in progress.RecentLosses)
            _losses.Enqueue(loss);
        foreach (double norm in progress.RecentNorms)
            _norms.Enqueue(norm);
        StepsAbove = progress.StepsAbove;
    }

    private string? Spike(string name, double value, Queue<double> window)
    {
        if (window.Count < WindowSteps)
            return null;
        double mean = 0, variance = 0;
        foreach (double earlier in window)
            mean += earlier / WindowSteps;
        foreach (double earlier in window)
            variance += (earlier - mean) * (earlier - mean) / WindowSteps;
        double deviation = Math.Sqrt(variance);
        return value <= mean + config.ZScore * deviation ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"the {name} {value:G4} is {(value - mean) / deviation:F1} standard deviations above the mean {mean:G4} of "
            + $"the last {WindowSteps} steps");
    }

    private static void Add(Queue<double> window, double value)
    {
        if (window.Count == WindowSteps)
            window.Dequeue();
        window.Enqueue(value);
    }
}
