using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Products of small blocks for attention, eight rows of the output at a time.</summary>
/// <remarks>
/// output[row, col] (+)= Σ over steps of left[row · leftRow + step · leftStep] · right[step · rightStep + col]. Every
/// element is one chain of fused multiply-adds over the steps in order, from 0 or from the output, whatever the kernel
/// that computes it. The strides serve a left side as it lies or transposed. Lanes hold neighbouring columns.
/// </remarks>
internal static unsafe class AttentionTiles
{
    /// <summary>Rows of the output; all are written.</summary>
    public const int Rows = 8;

    private const int MostCols = 48;

    /// <param name="cols">A multiple of 16.</param>
    /// <param name="fresh">Overwrite the output, else add to it.</param>
    public static void Multiply(
        float* left, nint leftRow, nint leftStep, float* right, nint rightStep, float* output, nint outputRow,
        int cols, nint steps, bool fresh)
    {
        float* zeros = stackalloc float[MostCols];
        float* start = fresh ? zeros : output;
        nint startRow = fresh ? 0 : outputRow;
        for (int col = 0, width; col < cols; col += width)
        {
            width = Width(cols - col);
            switch (width)
            {
                case 48:
                    Multiply8x3(
                        left, leftRow, leftStep, right + col, rightStep, start, startRow, output + col, outputRow,
                        steps);
                    break;
                case 32:
                    Multiply8x2(
                        left, leftRow, leftStep, right + col, rightStep, start, startRow, output + col, outputRow,
                        steps);
                    break;
                default:
                    Multiply4x1(
                        left, leftRow, leftStep, right + col, rightStep, start, startRow, output + col, outputRow,
                        steps);
                    Multiply4x1(
                        left + 4 * leftRow, leftRow, leftStep, right + col, rightStep, start + 4 * startRow,
                        startRow, output + col + 4 * outputRow, outputRow, steps);
                    break;
            }

            start = fresh ? start : output + col + width;
        }
    }

    /// <summary>Adds to eight rows the products over the steps [first, end) of each.</summary>
    /// <remarks>Steps that all rows share go through tiles, the others row by row: a step that a row must not see may
    /// hold NaN, and 0 times that is NaN.</remarks>
    /// <param name="first">[8].</param>
    /// <param name="end">[8].</param>
    public static void AddSeen(
        float* left, nint leftRow, nint leftStep, float* right, nint rightStep, float* output, nint outputRow,
        int cols, int* first, int* end)
    {
        int start = first[0], stop = end[0];
        for (int row = 1; row < Rows; row++)
            (start, stop) = (Math.Max(start, first[row]), Math.Min(stop, end[row]));
        stop = Math.Max(start, stop);
        for (int row = 0; row < Rows; row++)
            AddRow(
                left + row * leftRow, leftStep, right, rightStep, output + row * outputRow, cols, first[row],
                Math.Min(start, end[row]));
        if (start < stop)
            Multiply(
                left + start * leftStep, leftRow, leftStep, right + start * rightStep, rightStep, output, outputRow,
                cols, stop - start, fresh: false);
        for (int row = 0; row < Rows; row++)
            AddRow(
                left + row * leftRow, leftStep, right, rightStep, output + row * outputRow, cols,
                Math.Max(stop, first[row]), end[row]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRow(
        float* left, nint leftStep, float* right, nint rightStep, float* output, int cols, int first, int end)
    {
        for (int step = first; step < end; step++)
        {
            Vector512<float> spread = Vector512.Create(left[step * leftStep]);
            float* values = right + step * rightStep;
            for (int col = 0; col < cols; col += 16)
                Vector512.FusedMultiplyAdd(spread, Vector512.Load(values + col), Vector512.Load(output + col))
                    .Store(output + col);
        }
    }

    /// <summary>Columns of the next kernel: three vectors, two where three would leave one behind.</summary>
    private static int Width(int cols) =>
        !Vector512.IsHardwareAccelerated ? 16 : cols >= 48 && cols != 64 ? 48 : Math.Min(cols, 32);

    // 24 sums, 3 vectors of the right side and a spread value: 28 of 32 registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply8x3(
        float* left, nint leftRow, nint leftStep, float* right, nint rightStep, float* start, nint startRow,
        float* output, nint outputRow, nint steps)
    {
        Vector512<float> a0 = Vector512.Load(start), a1 = Vector512.Load(start + 16), a2 = Vector512.Load(start + 32),
            b0 = Vector512.Load(start + startRow), b1 = Vector512.Load(start + startRow + 16),
            b2 = Vector512.Load(start + startRow + 32), c0 = Vector512.Load(start + 2 * startRow),
            c1 = Vector512.Load(start + 2 * startRow + 16), c2 = Vector512.Load(start + 2 * startRow + 32),
            d0 = Vector512.Load(start + 3 * startRow), d1 = Vector512.Load(start + 3 * startRow + 16),
            d2 = Vector512.Load(start + 3 * startRow + 32), e0 = Vector512.Load(start + 4 * startRow),
            e1 = Vector512.Load(start + 4 * startRow + 16), e2 = Vector512.Load(start + 4 * startRow + 32),
            f0 = Vector512.Load(start + 5 * startRow), f1 = Vector512.Load(start + 5 * startRow + 16),
            f2 = Vector512.Load(start + 5 * startRow + 32), g0 = Vector512.Load(start + 6 * startRow),
            g1 = Vector512.Load(start + 6 * startRow + 16), g2 = Vector512.Load(start + 6 * startRow + 32),
            h0 = Vector512.Load(start + 7 * startRow), h1 = Vector512.Load(start + 7 * startRow + 16),
            h2 = Vector512.Load(start + 7 * startRow + 32);
        float* row1 = left + leftRow, row2 = left + 2 * leftRow, row3 = left + 3 * leftRow, row4 = left + 4 * leftRow,
            row5 = left + 5 * leftRow, row6 = left + 6 * leftRow, row7 = left + 7 * leftRow,
            end = right + steps * rightStep;
        for (nint at = 0; right != end; right += rightStep, at += leftStep)
        {
            Vector512<float> right0 = Vector512.Load(right), right1 = Vector512.Load(right + 16);
            Vector512<float> right2 = Vector512.Load(right + 32);
            Add(left[at], right0, right1, right2, ref a0, ref a1, ref a2);
            Add(row1[at], right0, right1, right2, ref b0, ref b1, ref b2);
            Add(row2[at], right0, right1, right2, ref c0, ref c1, ref c2);
            Add(row3[at], right0, right1, right2, ref d0, ref d1, ref d2);
            Add(row4[at], right0, right1, right2, ref e0, ref e1, ref e2);
            Add(row5[at], right0, right1, right2, ref f0, ref f1, ref f2);
            Add(row6[at], right0, right1, right2, ref g0, ref g1, ref g2);
            Add(row7[at], right0, right1, right2, ref h0, ref h1, ref h2);
        }

        End(output, a0, a1, a2);
        End(output + outputRow, b0, b1, b2);
        End(output + 2 * outputRow, c0, c1, c2);
        End(output + 3 * outputRow, d0, d1, d2);
        End(output + 4 * outputRow, e0, e1, e2);
        End(output + 5 * outputRow, f0, f1, f2);
        End(output + 6 * outputRow, g0, g1, g2);
        End(output + 7 * outputRow, h0, h1, h2);
    }

    // 16 sums, two for each of the eight multiply-adds in flight.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply8x2(
        float* left, nint leftRow, nint leftStep, float* right, nint rightStep, float* start, nint startRow,
        float* output, nint outputRow, nint steps)
    {
        Vector512<float> a0 = Vector512.Load(start), a1 = Vector512.Load(start + 16),
            b0 = Vector512.Load(start + startRow), b1 = Vector512.Load(start + startRow + 16),
            c0 = Vector512.Load(start + 2 * startRow), c1 = Vector512.Load(start + 2 * startRow + 16),
            d0 = Vector512.Load(start + 3 * startRow), d1 = Vector512.Load(start + 3 * startRow + 16),
            e0 = Vector512.Load(start + 4 * startRow), e1 = Vector512.Load(start + 4 * startRow + 16),
            f0 = Vector512.Load(start + 5 * startRow), f1 = Vector512.Load(start + 5 * startRow + 16),
            g0 = Vector512.Load(start + 6 * startRow), g1 = Vector512.Load(start + 6 * startRow + 16),
            h0 = Vector512.Load(start + 7 * startRow), h1 = Vector512.Load(start + 7 * startRow + 16);
        float* row1 = left + leftRow, row2 = left + 2 * leftRow, row3 = left + 3 * leftRow, row4 = left + 4 * leftRow,
            row5 = left + 5 * leftRow, row6 = left + 6 * leftRow, row7 = left + 7 * leftRow,
            end = right + steps * rightStep;
        for (nint at = 0; right != end; right += rightStep, at += leftStep)
        {
            Vector512<float> right0 = Vector512.Load(right), right1 = Vector512.Load(right + 16);
            Add(left[at], right0, right1, ref a0, ref a1);
            Add(row1[at], right0, right1, ref b0, ref b1);
            Add(row2[at], right0, right1, ref c0, ref c1);
            Add(row3[at], right0, right1, ref d0, ref d1);
            Add(row4[at], right0, right1, ref e0, ref e1);
            Add(row5[at], right0, right1, ref f0, ref f1);
            Add(row6[at], right0, right1, ref g0, ref g1);
            Add(row7[at], right0, right1, ref h0, ref h1);
        }

        End(output, a0, a1);
        End(output + outputRow, b0, b1);
        End(output + 2 * outputRow, c0, c1);
        End(output + 3 * outputRow, d0, d1);
        End(output + 4 * outputRow, e0, e1);
        End(output + 5 * outputRow, f0, f1);
        End(output + 6 * outputRow, g0, g1);
        End(output + 7 * outputRow, h0, h1);
    }

    // The last 16 columns; without 512 bits all of them: 8 halves of sums fit 16 registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply4x1(
        float* left, nint leftRow, nint leftStep, float* right, nint rightStep, float* start, nint startRow,
        float* output, nint outputRow, nint steps)
    {
        Vector512<float> a0 = Vector512.Load(start), b0 = Vector512.Load(start + startRow),
            c0 = Vector512.Load(start + 2 * startRow), d0 = Vector512.Load(start + 3 * startRow);
        float* row1 = left + leftRow, row2 = left + 2 * leftRow, row3 = left + 3 * leftRow,
            end = right + steps * rightStep;
        for (nint at = 0; right != end; right += rightStep, at += leftStep)
        {
            Vector512<float> right0 = Vector512.Load(right);
            Add(left[at], right0, ref a0);
            Add(row1[at], right0, ref b0);
            Add(row2[at], right0, ref c0);
            Add(row3[at], right0, ref d0);
        }

        End(output, a0);
        End(output + outputRow, b0);
        End(output + 2 * outputRow, c0);
        End(output + 3 * outputRow, d0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        float left, Vector512<float> right0, Vector512<float> right1, Vector512<float> right2,
        ref Vector512<float> sum0, ref Vector512<float> sum1, ref Vector512<float> sum2)
    {
        Vector512<float> spread = Vector512.Create(left);
        sum0 = Vector512.FusedMultiplyAdd(spread, right0, sum0);
        sum1 = Vector512.FusedMultiplyAdd(spread, right1, sum1);
        sum2 = Vector512.FusedMultiplyAdd(spread, right2, sum2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End(
        float* output, Vector512<float> sum0, Vector512<float> sum1, Vector512<float> sum2)
    {
        sum0.Store(output);
        sum1.Store(output + 16);
        sum2.Store(output + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        float left, Vector512<float> right0, Vector512<float> right1,
        ref Vector512<float> sum0, ref Vector512<float> sum1)
    {
        Vector512<float> spread = Vector512.Create(left);
        sum0 = Vector512.FusedMultiplyAdd(spread, right0, sum0);
        sum1 = Vector512.FusedMultiplyAdd(spread, right1, sum1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End(float* output, Vector512<float> sum0, Vector512<float> sum1)
    {
        sum0.Store(output);
        sum1.Store(output + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float left, Vector512<float> right0, ref Vector512<float> sum0) =>
        sum0 = Vector512.FusedMultiplyAdd(Vector512.Create(left), right0, sum0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End(float* output, Vector512<float> sum0) => sum0.Store(output);
}
