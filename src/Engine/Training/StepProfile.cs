using System.Diagnostics;
using FastCpt.Engine.Files;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Engine.Training;

/// <summary>Times every op of a few steps of a run, after some that warm up, and writes what was seen.</summary>
/// <remarks>A table for the console, and a trace under trace/ in the run's folder. The run itself goes on with the
/// same bits.</remarks>
public sealed class StepProfile(OpProfile ops, Backend backend, string folder, RunLog log)
{
    private const int WarmUpSteps = 2, ProfiledSteps = 3;

    private readonly List<(long Step, long Start, long End)> _steps = [];
    private int _begun;
    private long _start;

    public void BeginStep()
    {
        DropUnended();
        ops.IsRecording = _begun++ >= WarmUpSteps && _steps.Count < ProfiledSteps;
        _start = Stopwatch.GetTimestamp();
    }

    /// <param name="step">Number of the update that was just made.</param>
    public void EndStep(long step)
    {
        if (!ops.IsRecording)
            return;
        ops.IsRecording = false;
        _steps.Add((step, _start, Stopwatch.GetTimestamp()));
        if (_steps.Count == ProfiledSteps)
            Write();
    }

    /// <summary>Writes what there is, where the run was too short.</summary>
    public void End()
    {
        DropUnended();
        if (_steps.Count is > 0 and < ProfiledSteps)
            Write();
        else if (_steps.Count == 0)
            log.Warn($"the profile is empty: it begins after {WarmUpSteps} steps.");
    }

    /// <summary>A step that was passed over has no end: the table divides by those that have one.</summary>
    private void DropUnended()
    {
        if (ops.IsRecording)
            ops.DropSince(_start);
        ops.IsRecording = false;
    }

    private void Write()
    {
        DeviceLimits limits = backend.MeasureLimits();
        double seconds = _steps.Sum(step => step.End - step.Start) / (double)Stopwatch.Frequency;
        foreach (string line in ProfileTable.Of(ops.Calls, _steps.Count, seconds, limits))
            log.Say(line);
        string traces = Path.Combine(folder, "trace");
        string path = Path.Combine(traces, $"steps-{_steps[0].Step:D8}-{_steps[^1].Step:D8}.json");
        try
        {
            Directory.CreateDirectory(traces);
            AtomicFile.Write(path, ChromeTrace.Write(ops.Calls, _steps, limits));
            log.Say($"{path}: open it at ui.perfetto.dev");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or RunException)
        {
            log.Warn($"{path}: the trace is not written; training goes on. {exception.Message}");
        }
    }
}
