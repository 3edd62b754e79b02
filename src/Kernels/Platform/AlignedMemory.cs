using System.Runtime.InteropServices;

namespace FastCpt.Kernels.Platform;

/// <summary>Host memory at addresses that vector loads and pages like, outside the managed heap.</summary>
/// <remarks>
/// Large blocks start at a huge page, and on Linux the system is asked to back them with huge pages: weights and
/// activations are walked from end to end, where small pages cost a table walk every 4 KiB. The request is a hint and
/// its refusal changes nothing but time.
/// </remarks>
internal static unsafe partial class AlignedMemory
{
    private const long HugePage = 2L << 20, LargeBlock = 4L << 20;
    private const int AdviseHugePage = 14; // MADV_HUGEPAGE, Linux

    /// <summary>Reserves bytes that are not cleared.</summary>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public static nint Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        bool large = bytes >= LargeBlock;
        void* block;
        try
        {
            block = NativeMemory.AlignedAlloc(checked((nuint)bytes), (nuint)(large ? HugePage : Backend.Alignment));
        }
        catch (Exception cause) when (cause is OutOfMemoryException or OverflowException)
        {
            throw new DeviceException($"The system does not give a block of {bytes} bytes of memory.", cause);
        }

        if (large && OperatingSystem.IsLinux())
            _ = Advise(block, (nuint)(bytes / HugePage * HugePage), AdviseHugePage);
        return (nint)block;
    }

    public static void Free(nint address) => NativeMemory.AlignedFree((void*)address);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
