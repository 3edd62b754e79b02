using FastCpt.Engine.Config;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Alignment;

/// <summary>Pulls parameters toward their start: adds 2λ(θ − θ₀) to the gradient, once per update.</summary>
/// <remarks>
/// Part of the gradient, so of its norm, of clipping and of the moments; independent of accumulation. λ depends on the
/// layer group; parameters in no layer have one of their own. Li et al. 2018, equation 2.
/// </remarks>
public sealed class L2Sp(L2SpConfig config, LayerGroups groups)
{
    /// <summary>λ of a parameter: 0 where nothing pulls, and nothing is kept to pull toward.</summary>
    public double Lambda(string name)
    {
        if (config.AttentionOnly && LayerGroups.IsMlp(name))
            return 0;
        double lambda = groups.GroupOf(name) switch
        {
            LayerGroup.First => config.First,
            LayerGroup.Middle => config.Middle,
            LayerGroup.Last => config.Last,
            _ => config.Other ?? config.First,
        };
        return lambda * config.Multiplier;
    }

    /// <summary>What the optimizer's two passes read of a parameter.</summary>
    /// <param name="anchor">θ₀ by name; only asked for where something pulls.</param>
    public Pull PullOn(Parameter parameter, Func<string, Tensor> anchor) =>
        parameter.IsTrained && Lambda(parameter.Name) is > 0 and var lambda
            ? new Pull(anchor(parameter.Name), (float)(2 * lambda))
            : default;
}
