using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastCpt.Kernels.Cpu;

/// <summary>Copies a piece of an operand into the order in which a micro-kernel reads it: panel[step, line].</summary>
/// <remarks>
/// A step is one place of the reduction as F32, or, in pairs, two as BF16 (a missing last one is 0). Lines that do not
/// exist hold anything: their sums are never stored.
/// </remarks>
internal static unsafe class Packing
{
    /// <summary>Values past a panel's end that packing may overwrite.</summary>
    private const int Spill = 16;

    /// <summary>Steps of a panel that are packed from rows of memory before its neighbour's are.</summary>
    private const int StepsAtOnce = 4;

    /// <summary>Floats from one panel to the next.</summary>
    public static long PanelFloats(long steps, int width) => steps * width + Spill;

    /// <summary>Packs panels of lines from line on at a block of the reduction.</summary>
    /// <param name="lines">How many exist from there on, in the panels and after them.</param>
    /// <param name="width">Lines of a panel.</param>
    /// <param name="target">Panels, <see cref="PanelFloats"/> apart.</param>
    public static void Pack(
        in Operand operand, ReductionBlock block, long line, long lines, long panels, int width,
        float* target)
    {
        if (block.Pairs)
            Pack<PairSource>(operand, block, line, lines, panels, width, target);
        else if (operand.Type == DType.BF16)
            Pack<ElementSource<BrainElement>>(operand, block, line, lines, panels, width, target);
        else
            Pack<ElementSource<SingleElement>>(operand, block, line, lines, panels, width, target);
    }

    private static void Pack<TSource>(
        in Operand operand, ReductionBlock block, long line, long lines, long panels, int width, float* target)
        where TSource : IPackSource
    {
        long stride = operand.Stride * TSource.ElementSize;
        if (!operand.Along)
        {
            byte* start = operand.Start + block.Start * stride + line * TSource.ElementSize;
            PackAcross<TSource>(start, stride, lines, block, panels, width, target);
            return;
        }

        byte* first = operand.Start + line * stride + block.Start * TSource.ElementSize;
        for (long panel = 0; panel < panels; panel++)
        {
            byte* start = first + panel * width * stride;
            long left = Math.Min(lines - panel * width, width);
            float* values = target + panel * PanelFloats(block.Steps, width);
            if (Avx512F.IsSupported)
                for (long offset = 0; offset < left; offset += Transposition.Size)
                    PackSquares<TSource>(
                        start + offset * stride, stride, lines - panel * width - offset, block, width, values + offset);
            else
                PackOnes<TSource>(start, stride, left, block, width, values);
        }
    }

    /// <summary>Lines are rows in memory: squares of 16 lines, the last one again for those that are missing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSquares<TSource>(
        byte* first, long stride, long lines, ReductionBlock block, int width, float* values)
        where TSource : IPackSource
    {
        const int Size = Transposition.Size;
        byte** line = stackalloc byte*[Size];
        for (int index = 0; index < Size; index++)
            line[index] = first + Math.Min(index, lines - 1) * stride;
        long step = 0, places = block.Length, ahead = width * stride;
        for (; step + Size <= block.Steps; step += Size, places -= Size * TSource.PlacesPerStep)
        {
            // The lines of the next panel.
            for (int index = 0; index < Size; index++)
                Ahead.Ask(line[index] + ahead + step * TSource.ElementSize * TSource.PlacesPerStep);
            Transposition.Run<TSource>(line, step, places, values + step * width, width);
        }

        if (step == block.Steps)
            return;
        float* square = stackalloc float[Size * Size];
        Transposition.Run<TSource>(line, step, places, square, Size);
        for (; step < block.Steps; step++, square += Size)
            Vector512.Load(square).Store(values + step * width);
    }

    /// <summary>The same line by line.</summary>
    private static void PackOnes<TSource>(
        byte* first, long stride, long lines, ReductionBlock block, int width, float* values)
        where TSource : IPackSource
    {
        for (int line = 0; line < lines; line++)
            for (long step = 0; step < block.Steps; step++)
                values[step * width + line] = TSource.AlongOne(first + line * stride, step, block.Length);
    }

    /// <summary>A row in memory holds all lines of a step, or half a pair: a few rows at a time are walked over all
    /// panels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAcross<TSource>(
        byte* first, long stride, long lines, ReductionBlock block, long panels, int width, float* target)
        where TSource : IPackSource
    {
        long panelFloats = PanelFloats(block.Steps, width), rowBytes = TSource.PlacesPerStep * stride;
        for (long step = 0; step < block.Steps; step += StepsAtOnce)
        {
            byte* row = first + step * rowBytes;
            bool whole = (step + StepsAtOnce) * TSource.PlacesPerStep <= block.Length;
            float* values = target + step * width;
            for (long panel = 0; panel < panels; panel++, values += panelFloats)
                for (int offset = 0; offset < width; offset += 16)
                {
                    long line = panel * width + offset;
                    byte* ahead = row + 4 * StepsAtOnce * rowBytes + line * TSource.ElementSize;
                    Ahead.Ask(ahead);
                    Ahead.Ask(ahead + rowBytes);
                    Ahead.Ask(ahead + 2 * rowBytes);
                    Ahead.Ask(ahead + 3 * rowBytes);
                    if (line + 16 <= lines && whole)
                    {
                        // In this order: what a step spills over, the next overwrites.
                        TSource.Across(row, stride, line).Store(values + offset);
                        TSource.Across(row + rowBytes, stride, line).Store(values + width + offset);
                        TSource.Across(row + 2 * rowBytes, stride, line).Store(values + 2 * width + offset);
                        TSource.Across(row + 3 * rowBytes, stride, line).Store(values + 3 * width + offset);
                    }
                    else
                        PackEdges<TSource>(
                            row, stride, line, lines, block, step, Math.Min(16, width - offset), values + offset,
                            width);
                }
        }
    }

    /// <summary>A few lines of a few steps where not all 16, or not all places, exist.</summary>
    private static void PackEdges<TSource>(
        byte* row, long stride, long line, long lines, ReductionBlock block, long step, int count, float* values,
        int width)
        where TSource : IPackSource
    {
        for (long end = Math.Min(step + StepsAtOnce, block.Steps); step < end; step++)
        {
            bool whole = (step + 1) * TSource.PlacesPerStep <= block.Length;
            if (line + 16 <= lines && whole)
                TSource.Across(row, stride, line).Store(values);
            else
                PackEdge<TSource>(row, stride, line, lines, whole, count, values);
            row += TSource.PlacesPerStep * stride;
            values += width;
        }
    }

    /// <summary>A few lines of a step where not all 16, or not both places of a pair, exist.</summary>
    private static void PackEdge<TSource>(
        byte* row, long stride, long line, long lines, bool whole, int count, float* values)
        where TSource : IPackSource
    {
        for (int index = 0; index < count; index++)
            values[index] = line + index < lines ? TSource.AcrossOne(row, stride, line + index, whole) : 0;
    }
}
