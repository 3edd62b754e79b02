using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FastCpt.Kernels.Profiling;

/// <summary>Another backend, each call of an op timed and its least work counted.</summary>
/// <remarks>While it records it waits after every op, so that a call's time is its own; otherwise it only passes
/// calls on. Results are those of the backend within, to the bit.</remarks>
public sealed partial class ProfilingBackend(Backend inner, OpProfile profile) : Backend
{
    private string _part = "";
    private int[] _bounds = [];

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

    /// <summary>Pairs that an attention layer looks at; the segments come back from the device for it.</summary>
    private double Pairs(Segments segments, in AttentionShape shape)
    {
        if (!profile.IsRecording)
            return 0;
        if (_bounds.Length < segments.Bounds.Length)
            _bounds = new int[segments.Bounds.Length];
        Span<int> bounds = _bounds.AsSpan(0, (int)segments.Bounds.Length);
        inner.Download(segments.Bounds, MemoryMarshal.AsBytes(bounds));
        return OpCost.VisiblePairs(bounds, shape);
    }
}
