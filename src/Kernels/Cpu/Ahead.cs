using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace FastCpt.Kernels.Cpu;

/// <summary>Asks for the left side that comes next, a few cache lines at a time, while tiles are computed.</summary>
/// <remarks>Packing, or a tile, then meets it in the second-level cache. A hint: addresses are not read.</remarks>
internal unsafe struct Ahead
{
    public const int CacheLine = 64;

    private readonly long _stride, _bytes;
    private byte* _row;
    private long _rows, _at;

    /// <summary>The part of an operand in lines [line, line + lines) and a block of the reduction.</summary>
    public Ahead(in Operand operand, ReductionBlock block, long line, long lines)
    {
        int size = operand.Type.Size();
        long col = operand.Along ? block.Start : line, row = operand.Along ? line : block.Start;
        _stride = operand.Stride * size;
        _bytes = (operand.Along ? block.Length : lines) * size;
        _rows = operand.Along ? lines : block.Length;
        _row = operand.Start + row * _stride + col * size;
    }

    /// <summary>Cache lines in all.</summary>
    public readonly long CacheLines => _rows * ((_bytes + CacheLine - 1) / CacheLine);

    /// <summary>Asks for one cache line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Ask(byte* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch1(address);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Ask(long cacheLines)
    {
        for (; cacheLines > 0 && _rows > 0; cacheLines--)
        {
            Ask(_row + _at);
            _at += CacheLine;
            if (_at < _bytes)
                continue;
            _at = 0;
            _row += _stride;
            _rows--;
        }
    }
}
