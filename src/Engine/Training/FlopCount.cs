using FastCpt.Engine.Models;

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
        double pairs = 0;
        for (int layer = 0; layer < config.Layers; layer++)
            pairs += VisiblePairs(bounds, config.LocalLayers[layer] ? config.Window : int.MaxValue);
        return pairs * 14.0 * config.HeadSize * config.Heads;
    }

    /// <summary>
    /// Pairs (query, key) with key at or before query, fewer than a window's rows back, within segments.
    /// </summary>
    public static double VisiblePairs(ReadOnlySpan<int> bounds, long window)
    {
        double pairs = 0;
        for (int segment = 0; segment < bounds.Length / 2; segment++)
        {
            double length = bounds[2 * segment + 1] - bounds[2 * segment];
            double full = Math.Min(length, window);
            pairs += full * (full + 1) / 2 + (length - full) * full;
        }

        return pairs;
    }
}
