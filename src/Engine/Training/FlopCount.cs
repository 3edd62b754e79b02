using FastCpt.Engine.Models;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Engine.Training;

/// <summary>Floating-point operations of attention in a training step, a multiply-add counted as two.</summary>
/// <remarks>
/// Counts the pairs that the mask shows, 4·D operations a pair and head forward, 10·D backward (Dao 2023, section
/// 4.1), whether or not a block is computed again. The tape counts products.
/// </remarks>
public static class FlopCount
{
    /// <param name="bounds">[count, 2]: first row and one past the last of every segment.</param>
    public static double Attention(ModelConfig config, ReadOnlySpan<int> bounds)
    {
        double flops = 0;
        for (int layer = 0; layer < config.Layers; layer++)
        {
            AttentionShape shape = config.AttentionOf(layer);
            flops += OpCost.VisiblePairs(bounds, shape) * 14.0 * shape.HeadSize * shape.Heads;
        }

        return flops;
    }
}
