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
    public const int Spill = 16;

    /// <summary>Packs lines from line on at reduction [start, start + length).</summary>
    /// <param name="lines">How many exist from there on, in the panel and after it.</param>
    /// <param name="width">Lines of a panel.</param>
    /// <param name="pairs">BF16 in pairs; start is even.</param>
    public static void Pack(
        in Operand operand, long line, long lines, long start, long length, int width, bool pairs, float scale,
        float* panel)
    {
        if (pairs)
            Pack<PairSource>(operand, line, lines, start, length, width, scale, panel);
        else if (operand.Type == DType.BF16)
            Pack<ElementSource<BrainElement>>(operand, line, lines, start, length, width, scale, panel);
        else
            Pack<ElementSource<SingleElement>>(operand, line, lines, start, length, width, scale, panel);
    }

    private static void Pack<TSource>(
        in Operand operand, long line, long lines, long start, long length, int width, float scale, float* panel)
        where TSource : IPackSource
    {
        long steps = (length + TSource.PlacesPerStep - 1) / TSource.PlacesPerStep;
        if (operand.Along)
        {
            byte* first = operand.Start + (line * operand.Stride + start) * TSource.ElementSize;
            PackAlong<TSource>(first, operand.Stride * TSource.ElementSize, lines, length, steps, width, panel);
        }
        else
        {
            byte* first = operand.Start + (start * operand.Stride + line) * TSource.ElementSize;
            PackAcross<TSource>(first, operand.Stride * TSource.ElementSize, lines, length, steps, width, panel);
        }

        if (scale != 1)
            for (long index = 0; index < steps * width; index++)
                panel[index] *= scale;
    }

    /// <summary>Lines are rows in memory: blocks of 16 lines by 4 steps are transposed in registers.</summary>
    private static void PackAlong<TSource>(
        byte* first, long stride, long lines, long length, long steps, int width, float* panel)
        where TSource : IPackSource
    {
        long whole = Avx512F.IsSupported ? length / TSource.PlacesPerStep / 4 * 4 : 0;
        if (whole > 0)
            for (int line = 0; line < Math.Min(width, lines); line += 16)
                PackAlong16<TSource>(first + line * stride, stride, lines - line, whole, width, panel + line);
        for (long step = whole; step < steps; step++)
            for (int line = 0; line < width; line++)
                panel[step * width + line] =
                    line < lines ? TSource.AlongOne(first + line * stride, step, length) : 0;
    }

    /// <summary>16 lines, the last one again for those that are missing; steps ascend, so that what a panel of fewer
    /// lines spills is overwritten.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAlong16<TSource>(byte* first, long stride, long lines, long steps, int width, float* panel)
        where TSource : IPackSource
    {
        byte** line = stackalloc byte*[16];
        for (int index = 0; index < 16; index++)
            line[index] = first + Math.Min(index, lines - 1) * stride;
        for (long step = 0; step < steps; step += 4)
        {
            // Lines 0 4 8 12, 1 5 9 13, and so on.
            Vector512<float> a = Four<TSource>(line, step), b = Four<TSource>(line + 1, step);
            Vector512<float> c = Four<TSource>(line + 2, step), d = Four<TSource>(line + 3, step);
            Vector512<double> low0 = Avx512F.UnpackLow(a, b).AsDouble(), low1 = Avx512F.UnpackLow(c, d).AsDouble();
            Vector512<double> high0 = Avx512F.UnpackHigh(a, b).AsDouble(), high1 = Avx512F.UnpackHigh(c, d).AsDouble();
            float* target = panel + step * width;
            Avx512F.UnpackLow(low0, low1).AsSingle().Store(target);
            Avx512F.UnpackHigh(low0, low1).AsSingle().Store(target + width);
            Avx512F.UnpackLow(high0, high1).AsSingle().Store(target + 2 * width);
            Avx512F.UnpackHigh(high0, high1).AsSingle().Store(target + 3 * width);
        }
    }

    /// <summary>Steps step to step + 3 of lines 0, 4, 8 and 12.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Four<TSource>(byte** line, long step)
        where TSource : IPackSource =>
        Vector512.Create(
            Vector256.Create(TSource.AlongFour(line[0], step), TSource.AlongFour(line[4], step)),
            Vector256.Create(TSource.AlongFour(line[8], step), TSource.AlongFour(line[12], step)));

    /// <summary>A row in memory holds all lines of a step, or of half a pair.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackAcross<TSource>(
        byte* first, long stride, long lines, long length, long steps, int width, float* panel)
        where TSource : IPackSource
    {
        for (long step = 0; step < steps; step++)
        {
            byte* row = first + step * TSource.PlacesPerStep * stride;
            bool whole = (step + 1) * TSource.PlacesPerStep <= length;
            float* target = panel + step * width;
            int line = 0;
            for (; line < width && line + 16 <= lines && whole; line += 16)
                TSource.Across(row, stride, line).Store(target + line);
            for (; line < width; line++)
                target[line] = line < lines ? TSource.AcrossOne(row, stride, line, whole) : 0;
        }
    }

    /// <summary>How steps of a panel are read from memory.</summary>
    private interface IPackSource
    {
        static abstract int ElementSize { get; }

        static abstract int PlacesPerStep { get; }

        /// <summary>Four steps of a line that lies along a row.</summary>
        static abstract Vector128<float> AlongFour(byte* line, long step);

        /// <summary>One step of a line whose row has so many elements left.</summary>
        static abstract float AlongOne(byte* line, long step, long length);

        /// <summary>One step of 16 lines; the row and, in pairs, the one below.</summary>
        static abstract Vector512<float> Across(byte* row, long stride, long line);

        /// <param name="whole">Whether the second place of a pair exists.</param>
        static abstract float AcrossOne(byte* row, long stride, long line, bool whole);
    }

    private readonly struct ElementSource<TElement> : IPackSource
        where TElement : struct, IElement
    {
        public static int ElementSize => TElement.Size;

        public static int PlacesPerStep => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> AlongFour(byte* line, long step) =>
            typeof(TElement) == typeof(BrainElement)
                ? Vector128.ShiftLeft(Vector128.WidenLower(Vector128.CreateScalarUnsafe(
                    *(ulong*)(line + 2 * step)).AsUInt16()), 16).AsSingle()
                : Vector128.Load((float*)line + step);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static float AlongOne(byte* line, long step, long length) => TElement.Get(line, step);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Across(byte* row, long stride, long line) => TElement.Load(row, line);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static float AcrossOne(byte* row, long stride, long line, bool whole) => TElement.Get(row, line);
    }

    /// <summary>BF16 pairs as they are: the earlier place in the lower half.</summary>
    private readonly struct PairSource : IPackSource
    {
        public static int ElementSize => sizeof(ushort);

        public static int PlacesPerStep => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<float> AlongFour(byte* line, long step) => Vector128.Load((float*)line + step);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static float AlongOne(byte* line, long step, long length)
        {
            ushort* pair = (ushort*)line + 2 * step;
            return Join(pair[0], 2 * step + 1 < length ? pair[1] : (ushort)0);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Across(byte* row, long stride, long line)
        {
            Vector512<int> first = Widen(row + line * sizeof(ushort));
            Vector512<int> second = Widen(row + stride + line * sizeof(ushort));
            return (first | Vector512.ShiftLeft(second, 16)).AsSingle();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static float AcrossOne(byte* row, long stride, long line, bool whole) =>
            Join(((ushort*)row)[line], whole ? ((ushort*)(row + stride))[line] : (ushort)0);

        private static float Join(ushort first, ushort second) =>
            BitConverter.UInt32BitsToSingle(first | (uint)second << 16);

        /// <summary>Pairs exist only where AVX-512 does.</summary>
        private static Vector512<int> Widen(byte* halves) =>
            Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)halves));
    }
}
