using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastCpt.Kernels.Cpu;

/// <summary>Sums over rows, which weights' gradients are: rows in order within blocks, then blocks in order.</summary>
/// <remarks>The blocks follow from the number of rows alone, so the bits do not depend on the workers.</remarks>
internal static unsafe class RowSums
{
    /// <summary>Rows whose sum one worker makes.</summary>
    public const long Block = 32;

    public static long Blocks(long rows) => (rows + Block - 1) / Block;

    /// <summary>target[c] += Σ over blocks of partials[block, c] for c in [start, end).</summary>
    /// <param name="partials">F32 [blocks, cols].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddInOrder(float* partials, long blocks, long cols, float* target, long start, long end)
    {
        for (long col = start; col < end; col += 16)
        {
            int count = (int)Math.Min(16, end - col);
            Vector512<float> sum = Vector512<float>.Zero;
            for (long block = 0; block < blocks; block++)
                sum += SingleElement.Load(partials, block * cols + col, count);
            SingleElement.Store(SingleElement.Load(target, col, count) + sum, target, col, count);
        }
    }
}

public sealed unsafe partial class CpuBackend
{
    /// <summary>Adds the partial sums of row blocks to a weight's gradient, columns shared by the workers.</summary>
    private void AddRowSums(float* partials, long blocks, Tensor target)
    {
        const long Unit = 64;
        RowSumsJob job = new(partials, blocks, target.Length, (float*)target.Address, Unit);
        _pool.RunRange(job, (target.Length + Unit - 1) / Unit, atLeast: 4);
    }

    private readonly struct RowSumsJob(float* partials, long blocks, long cols, float* target, long unit) : IRangeJob
    {
        public void Run(long start, long end, int worker) =>
            RowSums.AddInOrder(partials, blocks, cols, target, start * unit, Math.Min(end * unit, cols));
    }
}
