using System.Runtime.InteropServices;

namespace FastCpt.Kernels.Platform;

/// <summary>Machine code in pages of its own, first writable, then executable, never both. Linux only.</summary>
internal static unsafe partial class ExecutableMemory
{
    private const int Read = 1, Write = 2, Execute = 4;
    private const int Private = 2, Anonymous = 0x20;

    private static readonly Lazy<bool> Usable = new(() => Load([0xC3]) != 0); // a return, on x64

    /// <summary>Whether the system lets code be made at run time.</summary>
    public static bool IsUsable => Usable.Value;

    /// <summary>Copies code to memory that stays until the process ends.</summary>
    /// <returns>The address of the first byte, at a page; 0 where the system refuses.</returns>
    public static nint Load(ReadOnlySpan<byte> code)
    {
        if (!OperatingSystem.IsLinux())
            return 0;
        nuint length = (nuint)code.Length;
        nint address = Map(0, length, Read | Write, Private | Anonymous, -1, 0);
        if (address == -1)
            return 0;
        code.CopyTo(new Span<byte>((void*)address, code.Length));
        if (Protect(address, length, Read | Execute) == 0)
            return address;
        _ = Unmap(address, length);
        return 0;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
