using System.Diagnostics;

namespace FastCpt.Kernels.Profiling;

/// <summary>One call of an op.</summary>
/// <param name="Op">Name of the contract's method.</param>
/// <param name="Part">What was last marked: a layer, the optimizer.</param>
/// <param name="Start">Of <see cref="Stopwatch"/>.</param>
/// <param name="Ticks">Of <see cref="Stopwatch"/>.</param>
public readonly record struct OpCall(string Op, string Part, long Start, long Ticks, OpCost Cost)
{
    public double Seconds => Ticks / (double)Stopwatch.Frequency;
}

/// <summary>The calls that a <see cref="ProfilingBackend"/> saw while it was asked to look.</summary>
public sealed class OpProfile
{
    private readonly List<OpCall> _calls = [];

    public IReadOnlyList<OpCall> Calls => _calls;

    /// <summary>Whether calls are timed; waiting for the device after each of them.</summary>
    public bool IsRecording { get; set; }

    /// <summary>Forgets the calls of a step that does not count.</summary>
    /// <param name="start">Of <see cref="Stopwatch"/>: calls that began then or later.</param>
    public void DropSince(long start) => _calls.RemoveAll(call => call.Start >= start);

    internal void Add(in OpCall call) => _calls.Add(call);
}
