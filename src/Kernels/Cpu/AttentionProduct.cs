using System.Runtime.CompilerServices;
using FastCpt.Kernels.Cpu.Jit;

namespace FastCpt.Kernels.Cpu;

/// <summary>Products of a tile of rows with a packed block.</summary>
/// <remarks>
/// output[row, col] (+)= Σ over steps of left[row, step] · right[step, col]; every element is one chain over the steps
/// in order, whatever the tile. The right side lies in panels of <see cref="Cols"/> columns, [steps, Cols] each.
/// </remarks>
internal sealed unsafe class AttentionProduct(MicroKernels kernels, LeftSide side)
{
    /// <summary>Most rows of a tile.</summary>
    public int Rows => kernels.Rows;

    /// <summary>Columns of a panel.</summary>
    public int Cols => kernels.Cols;

    /// <param name="leftRow">Floats from row to row, where the left side lies in rows.</param>
    /// <param name="panelFloats">From panel to panel of the right side.</param>
    /// <param name="outputRow">Floats from row to row.</param>
    /// <param name="cols">A multiple of 16.</param>
    /// <param name="adds">Whether to add to the output.</param>
    public void Multiply(
        float* left, nint leftRow, float* right, long panelFloats, long steps, int rows, float* output,
        nint outputRow, int cols, bool adds)
    {
        Tile tile = default;
        tile.Left = left;
        tile.LeftStride = leftRow * sizeof(float);
        tile.Steps = steps;
        tile.OutputStride = outputRow * sizeof(float);
        tile.Mask = uint.MaxValue;
        for (int col = 0; col < cols; col += Cols, right += panelFloats)
        {
            tile.Right = right;
            tile.Output = output + col;
            if (adds)
                tile.SetBase(tile.Output, tile.OutputStride);
            kernels.Multiply(rows, Math.Min(Cols, cols - col), &tile);
        }
    }

    /// <summary>Adds to each row the products over the places [first, end) that it sees; the left side holds 0 in
    /// those that it does not.</summary>
    /// <param name="first">[rows].</param>
    /// <param name="end">[rows].</param>
    /// <param name="isFinite">Whether the right side has neither infinities nor NaN: then 0 times an unseen place is
    /// 0.</param>
    public void AddSeen<TSteps>(
        float* left, nint leftRow, float* right, long panelFloats, int rows, float* output, nint outputRow, int cols,
        int* first, int* end, bool isFinite)
        where TSteps : struct, IAttentionSteps
    {
        int low = first[0], high = end[0];
        for (int row = 1; row < rows; row++)
            (low, high) = (Math.Min(low, first[row]), Math.Max(high, end[row]));
        if (low >= high)
            return;
        int from = low / TSteps.Places, steps = (high + TSteps.Places - 1) / TSteps.Places - from;
        float* start = left + from * (side == LeftSide.Across ? MicroKernels.AcrossFloats : 1);
        right += from * Cols;
        if (isFinite)
        {
            Multiply(start, leftRow, right, panelFloats, steps, rows, output, outputRow, cols, adds: true);
            return;
        }

        for (int row = 0; row < rows; row++)
            AddRowSeen<TSteps>(
                start + row * (side == LeftSide.Across ? 1 : leftRow), right, panelFloats, steps,
                output + row * outputRow, cols, first[row] - from * TSteps.Places, end[row] - from * TSteps.Places);
    }

    /// <summary>The same for one row, with zeros in the place of what it does not see.</summary>
    [SkipLocalsInit]
    private void AddRowSeen<TSteps>(
        float* left, float* right, long panelFloats, int steps, float* output, int cols, int first, int end)
        where TSteps : struct, IAttentionSteps
    {
        float* seen = stackalloc float[steps * Cols];
        for (int col = 0; col < cols; col += Cols, right += panelFloats)
        {
            for (int step = 0; step < steps; step++)
            {
                uint mask = SeenBits<TSteps>(step, first, end);
                for (int lane = 0; lane < Cols; lane++)
                    ((uint*)seen)[step * Cols + lane] = ((uint*)right)[step * Cols + lane] & mask;
            }

            Multiply(
                left, 0, seen, 0, steps, 1, output + col, 0, Math.Min(Cols, cols - col), adds: true);
        }
    }

    /// <summary>All bits of the places of a step that lie in [first, end).</summary>
    private static uint SeenBits<TSteps>(int step, int first, int end)
        where TSteps : struct, IAttentionSteps
    {
        if (TSteps.Places == 1)
            return step >= first && step < end ? uint.MaxValue : 0;
        uint lower = 2 * step >= first && 2 * step < end ? 0x0000_FFFFu : 0;
        return lower | (2 * step + 1 >= first && 2 * step + 1 < end ? 0xFFFF_0000u : 0);
    }
}
