using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Training;

/// <summary>Floating-point operations that the mathematics of a step needs, a multiply-add counted as two.</summary>
/// <remarks>
/// Products and attention only. A backward pass costs one product for the input's gradient and one for the weight's
/// where it is trained; what is recomputed is not counted, so recomputing lowers the utilisation that is reported.
/// Attention counts the pairs that the mask shows, 4·D operations a pair and head forward, 10·D backward (Dao 2023,
/// section 4.1).
/// </remarks>
public static class FlopCount
{
    /// <summary>Operations of one training step over packed rows.</summary>
    /// <param name="bounds">[count, 2]: first row and one past the last of every segment.</param>
    public static double TrainingStep(CausalModel model, long rows, ReadOnlySpan<int> bounds)
    {
        ModelConfig config = model.Config;
        double products = 0;
        IReadOnlyList<Parameter> parameters = model.Parameters.All;
        for (int i = 0; i < parameters.Count; i++) // by index: an enumerator of an interface is an allocation a step
        {
            Parameter parameter = parameters[i];
            if (parameter.Value.Shape.Rank == 2 && (parameter != Embedding(model) || config.TiedHead))
                products += 2.0 * parameter.Value.Length * rows * (2 + (parameter.IsTrained ? 1 : 0));
        }

        double pairs = 0;
        for (int layer = 0; layer < config.Layers; layer++)
            pairs += VisiblePairs(bounds, config.LocalLayers[layer] ? config.Window : int.MaxValue);
        return products + pairs * 14.0 * config.HeadSize * config.Heads;
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

    private static Parameter Embedding(CausalModel model) => model.Parameters.All[0];
}
