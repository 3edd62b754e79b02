using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>How many numbers adapters consist of, from the shapes of a model alone.</summary>
/// <remarks>
/// An adapter of rank R on a layer from K to N numbers has R · (K + N). A published encoder ends in a pooler that no
/// token's label depends on; published counts of adapters include its layer of width C to C. lora-sharing.md 4.4.
/// </remarks>
public static class LoraCount
{
    /// <param name="linears">Name and weight [N, K] of every linear layer of the blocks.</param>
    /// <exception cref="Files.RunException">Exit 3: settings that make no sense.</exception>
    public static long Of(IEnumerable<(string Name, Shape Weight)> linears, LoraSettings settings)
    {
        var targets = new LoraTargets(settings);
        return linears.Where(linear => targets.Selects(linear.Name))
            .Sum(linear => targets.RankOf(linear.Name) * (linear.Weight[0] + linear.Weight[1]));
    }

    /// <summary>The same with the pooler's pair, which trains nothing here, where the targets name it.</summary>
    /// <param name="width">C.</param>
    public static long PaperCompatible(
        IEnumerable<(string Name, Shape Weight)> linears, int width, LoraSettings settings) =>
        Of(linears.Append(("pooler.dense", new Shape(width, width))), settings);

    /// <summary>Both counts of an adapter on a model.</summary>
    /// <inheritdoc cref="Of(IEnumerable{ValueTuple{string, Shape}}, LoraSettings)"/>
    public static (long Trained, long PaperCompatible) Of(ModelConfig model, LoraSettings settings)
    {
        (string, Shape)[] linears =
            [.. ParameterLayout.Linears(model).Select(linear => (linear.Name, linear.Shape))];
        return (Of(linears, settings), PaperCompatible(linears, model.Width, settings));
    }
}
