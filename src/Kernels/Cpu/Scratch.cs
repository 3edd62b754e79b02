using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Cpu;

/// <summary>Working memory of one user that only grows, so that a steady state asks the system for nothing.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    private byte* _start;

    /// <summary>Bytes held.</summary>
    public long Bytes { get; private set; }

    /// <summary>Memory of at least so many bytes, aligned to <see cref="Backend.Alignment"/>, contents undefined.</summary>
    /// <remarks>Whatever an earlier call returned is given up when the memory has to grow.</remarks>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public void* AtLeast(long bytes)
    {
        if (bytes <= Bytes)
            return _start;
        Dispose();
        _start = (byte*)AlignedMemory.Allocate(bytes);
        Bytes = bytes;
        return _start;
    }

    public void Dispose()
    {
        if (_start != null)
            AlignedMemory.Free((nint)_start);
        _start = null;
        Bytes = 0;
    }
}
