using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>A bottleneck after every feed-forward layer; a fresh one adds nothing. See <see cref="Bottleneck"/>.
/// </summary>
/// <remarks>Parameters are called by the block: <c>roberta.encoder.layer.3.adapter_down.weight</c>.</remarks>
public sealed record BottleneckSettings : BlockAdapterSettings
{
    private const string DownName = "adapter_down", UpName = "adapter_up";

    /// <summary>R.</summary>
    public int Width { get; init; } = 48;

    internal override void Check(Model model)
    {
        if (Width < 1)
            throw Refuse(FormattableString.Invariant($"a bottleneck of width {Width}, expected at least 1."));
    }

    internal override BlockAdapter Declare(AdapterSite site, ParameterSet parameters) =>
        Declare(site.Name, site.Width, parameters);

    internal Bottleneck Declare(string name, int width, ParameterSet parameters) => new(
        Linear(parameters, $"{name}.{DownName}", Width, width), Linear(parameters, $"{name}.{UpName}", width, Width));

    internal override void Draw(Parameter parameter, Backend backend)
    {
        if (parameter.Name.EndsWith($".{DownName}.weight", StringComparison.Ordinal))
            RandomValues.Normal(parameter, backend, Seed, Deviation);
        else
            backend.Fill(0, parameter.Value);
    }
}
