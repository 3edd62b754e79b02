using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FastCpt.Kernels.Profiling;

/// <summary>Another backend, each call of an op timed and its least work counted.</summary>
/// <remarks>While it records it waits after every op, so that a call's time is its own; otherwise it only passes
/// calls on. Results are those of the backend within, to the bit.</remarks>
public sealed partial class ProfilingBackend(Backend inner, OpProfile profile) : Backend
{
    private string _part = "";
    private int[] _integers = [];

    public override string Name => inner.Name;

    public override string InstructionSet => inner.InstructionSet;

    public override string? Caveat => inner.Caveat;

    public override int Threads => inner.Threads;

    public override double MeasurePeakFlops(DType type) => inner.MeasurePeakFlops(type);

    public override double MeasureCopyBytes() => inner.MeasureCopyBytes();

    public override void Mark(string part)
    {
        _part = part;
        inner.Mark(part);
    }

    public override void Synchronize() => inner.Synchronize();

    protected internal override nint AllocateMemory(long bytes) => inner.AllocateMemory(bytes);

    protected internal override void FreeMemory(nint address, long bytes) => inner.FreeMemory(address, bytes);

    protected internal override void UploadMemory(ReadOnlySpan<byte> source, nint target) =>
        inner.UploadMemory(source, target);

    protected internal override void DownloadMemory(nint source, Span<byte> target) =>
        inner.DownloadMemory(source, target);

    protected override void Dispose(bool disposing) => inner.Dispose();

    /// <summary>When a call begins; 0 where nobody wants to know.</summary>
    private long Begin() => profile.IsRecording ? Stopwatch.GetTimestamp() : 0;

    private void End(string op, long start, in OpCost cost)
    {
        if (start == 0)
            return;
        inner.Synchronize();
        profile.Add(new OpCall(op, _part, start, Stopwatch.GetTimestamp() - start, cost));
    }

    /// <summary>Pairs that an attention layer looks at.</summary>
    private double Pairs(Segments segments, in AttentionShape shape) =>
        profile.IsRecording ? OpCost.VisiblePairs(Download(segments.Bounds), shape) : 0;

    /// <summary>Rows that predict something.</summary>
    private long Predicting(Tensor targets) => profile.IsRecording
        ? targets.Length - Download(targets).Count(IgnoredTarget) : 0;

    /// <summary>Integers back from the device, until the next call.</summary>
    private ReadOnlySpan<int> Download(Tensor integers)
    {
        if (_integers.Length < integers.Length)
            _integers = new int[integers.Length];
        Span<int> target = _integers.AsSpan(0, (int)integers.Length);
        inner.Download(integers, MemoryMarshal.AsBytes(target));
        return target;
    }
}
