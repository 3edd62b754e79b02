using FastCpt.Kernels.Platform;

namespace FastCpt.Kernels.Cpu;

/// <summary>Working memory of one user that only grows, so that a steady state asks the system for nothing.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    private byte* _start;

    /// <summary>Bytes held.</summary>
    public long Bytes { get; private set; }

    public static Scratch[] Several(int count)
    {
        Scratch[] several = new Scratch[count];
        for (int index = 0; index < count; index++)
            several[index] = new Scratch();
        return several;
    }

    /// <summary>Bytes that all of them hold.</summary>
    public static long Total(ReadOnlySpan<Scratch> several)
    {
        long bytes = 0;
        foreach (Scratch scratch in several)
            bytes += scratch.Bytes;
        return bytes;
    }

    /// <summary>
    /// Memory of at least so many bytes, aligned to <see cref="Backend.Alignment"/>, contents undefined.
    /// </summary>
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
