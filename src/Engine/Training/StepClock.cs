using System.Diagnostics;

namespace FastCpt.Engine.Training;

/// <summary>Rates between log lines, and how long the run may still take. Wall-clock jumps do not matter.</summary>
/// <remarks>Evaluations and saves are not in them.</remarks>
/// <param name="peakFlops">NaN where unknown.</param>
/// <param name="maxWallMinutes">0 for no limit.</param>
/// <param name="time">The system's, unless a test tells it.</param>
/// <param name="saveTime">Of a checkpoint, as far as it is known before the first.</param>
internal sealed class StepClock(
    double peakFlops, double maxWallMinutes, TimeProvider? time = null, TimeSpan saveTime = default)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Process _process = Process.GetCurrentProcess();
    private long _runStart, _stepStart, _lineStart, _lineTokens, _dataTicks;
    private int _lineSteps;
    private double _lineFlops;
    private TimeSpan _saveTime = saveTime, _stepTime;

    /// <summary>Whether a save must begin now to end before the limit: two saves and a step ahead of it.</summary>
    public bool IsPastLimit =>
        maxWallMinutes > 0
        && _time.GetElapsedTime(_runStart) + 2 * _saveTime + _stepTime > TimeSpan.FromMinutes(maxWallMinutes);

    public void Start() => _runStart = _stepStart = _lineStart = _time.GetTimestamp();

    public void BeginStep() => _stepStart = _time.GetTimestamp();

    /// <summary>Ends a step with all that was due after it but its save; the longest one counts.</summary>
    public void EndStep()
    {
        TimeSpan elapsed = _time.GetElapsedTime(_stepStart);
        _stepTime = elapsed > _stepTime ? elapsed : _stepTime;
    }

    public void Saved(TimeSpan elapsed) => _saveTime = elapsed;

    /// <summary>Takes time out of the line that was not spent training: an evaluation, a save.</summary>
    public void Pause(TimeSpan elapsed) => _lineStart += (long)(elapsed.TotalSeconds * _time.TimestampFrequency);

    public void Add(StepGradient step)
    {
        _lineSteps++;
        _lineTokens += step.Tokens;
        _lineFlops += step.Flops;
        _dataTicks += step.DataTicks;
    }

    /// <summary>The line for the steps since the last one.</summary>
    public StepReport Report(
        TrainingProgress progress, double loss, double penalty, double norm, double rate, long totalSteps)
    {
        TimeSpan elapsed = _time.GetElapsedTime(_lineStart);
        _process.Refresh();
        var report = new StepReport
        {
            Step = progress.Step,
            Tokens = progress.Tokens,
            LossNats = loss,
            Penalty = penalty,
            GradientNorm = norm,
            LearningRate = rate,
            TokensPerSecond = _lineTokens / elapsed.TotalSeconds,
            Utilization = _lineFlops / elapsed.TotalSeconds / peakFlops,
            PeakMemoryBytes = _process.PeakWorkingSet64,
            DataShare = _dataTicks / (double)Stopwatch.Frequency / elapsed.TotalSeconds,
            Remaining = elapsed / _lineSteps * (totalSteps - progress.Step),
        };
        (_lineStart, _lineSteps, _lineTokens, _lineFlops, _dataTicks) = (_time.GetTimestamp(), 0, 0, 0, 0);
        return report;
    }
}
