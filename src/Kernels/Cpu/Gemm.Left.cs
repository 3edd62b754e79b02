using System.Numerics;
using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <content>Left sides: read where they lie if a micro-kernel can, else packed.</content>
internal sealed unsafe partial class Gemm
{
    /// <summary>Sets of the nearest cache, and rows that may share one: it has 8 ways or more.</summary>
    private const int CacheSets = 64, RowsPerSet = 7;

    /// <summary>Rows of a left side at a block of the reduction, as micro-kernels read them.</summary>
    /// <param name="Kernels">What reads them.</param>
    /// <param name="Start">First panel.</param>
    /// <param name="PanelBytes">From panel to panel.</param>
    /// <param name="RowBytes">From row to row where they are not packed.</param>
    private readonly record struct LeftPanels(MicroKernels Kernels, nint Start, long PanelBytes, long RowBytes);

    /// <param name="row">First row of the left side that is wanted, of so many.</param>
    /// <param name="rest">Rows that exist from there on.</param>
    /// <param name="scratch">Memory to pack into.</param>
    private LeftPanels LeftOf(
        in Operand left, ReductionBlock block, long row, long rows, long rest, Scratch scratch)
    {
        MicroKernels kernels = block.Pairs ? _pairs : _single;
        if (InRowsOf(left, block) is { } inRows)
        {
            long rowBytes = left.Stride * left.Type.Size();
            byte* start = left.Start + row * rowBytes + block.Start * left.Type.Size();
            return new LeftPanels(inRows, (nint)start, inRows.Rows * rowBytes, rowBytes);
        }

        long panels = (rows + kernels.Rows - 1) / kernels.Rows;
        long panelFloats = Packing.PanelFloats(block.Steps, kernels.Rows);
        float* packed = (float*)scratch.AtLeast(panels * panelFloats * sizeof(float));
        Packing.Pack(left, block, row, rest, panels, kernels.Rows, packed);
        return new LeftPanels(kernels, (nint)packed, panelFloats * sizeof(float), 0);
    }

    /// <summary>Kernels that read a left side where it lies; null where it has to be packed.</summary>
    private MicroKernels? InRowsOf(in Operand left, ReductionBlock block)
    {
        MicroKernels? kernels = block.Pairs ? _pairsInRows : left.Type == DType.F32 ? _singleInRows : null;
        if (kernels == null || !left.Along)
            return null;
        long rowBytes = left.Stride * left.Type.Size();
        if ((block.Pairs && block.Length % 2 != 0) || rowBytes % sizeof(float) != 0
            || (nint)left.Start % sizeof(float) != 0)
            return null;
        // A cache line of a row serves several steps: those of all rows must find room in the nearest cache. Rows that
        // are not whole lines long are taken to, though some lengths near 4 KiB meet as badly.
        long lines = rowBytes / Ahead.CacheLine;
        int sets = CacheSets >> Math.Min(BitOperations.TrailingZeroCount(lines), BitOperations.Log2(CacheSets));
        return rowBytes % Ahead.CacheLine != 0 || kernels.Rows <= sets * RowsPerSet ? kernels : null;
    }
}
