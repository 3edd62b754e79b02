using System.Runtime.InteropServices;
using FastCpt.Kernels;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Tensors that touch a page which may not be read: one element too far ends the process.</summary>
/// <param name="behind">Tensors end where the forbidden page starts; else they start where it ends.</param>
internal sealed unsafe partial class GuardedDevice(Backend backend, bool behind) : Device(backend)
{
    private const int ReadWrite = 3, Private = 2;

    private static readonly int Anonymous = OperatingSystem.IsMacOS() ? 0x1000 : 0x20;
    private readonly List<(nint Start, nuint Bytes)> _mappings = [];

    public override Tensor Empty(DType type, Shape shape)
    {
        nuint page = (nuint)Environment.SystemPageSize, bytes = (nuint)(shape.Length * type.Size());
        nuint open = Math.Max(1, (bytes + page - 1) / page) * page;
        byte* start = (byte*)Map(null, open + 2 * page, 0, Private | Anonymous, -1, 0);
        if ((nint)start == -1 || Protect(start + page, open, ReadWrite) != 0)
            throw new InvalidOperationException($"No memory of {open} bytes between guards.");
        _mappings.Add(((nint)start, open + 2 * page));
        byte* tensor = behind ? start + page + (open - bytes) : start + page;
        new Span<byte>(tensor, (int)bytes).Fill(0xFF);
        return new Tensor((nint)tensor, type, shape);
    }

    /// <summary>Reads the first byte that a tensor's kernel must not touch, to show that doing so is fatal.</summary>
    public byte ReadTooFar(Tensor tensor) =>
        behind ? ((byte*)tensor.Address)[tensor.Bytes] : ((byte*)tensor.Address)[-1];

    protected override void Dispose(bool disposing)
    {
        foreach (var (start, bytes) in _mappings)
            _ = Unmap((void*)start, bytes);
        _mappings.Clear();
        base.Dispose(disposing);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
