using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>Keys and values before those of every sentence in every layer, drawn as PEFT draws them: normally, with
/// deviation 1. See <see cref="Prefix"/>.</summary>
public sealed record PrefixSettings : BlockAdapterSettings
{
    internal const string KeyName = "prefix_key", ValueName = "prefix_value";

    /// <summary>No longer prefix is read from a file.</summary>
    internal const int MostLength = 1 << 16;

    /// <summary>P.</summary>
    public int Length { get; init; } = 20;

    internal override void Check(Model model)
    {
        if (Length is < 1 or > MostLength)
            throw Refuse(FormattableString.Invariant($"a prefix of {Length} rows, expected 1 to {MostLength}."));
        if (model.Sites.Any(site => site.KeyWidth == 0))
            throw Refuse("decoders take no prefix here; take lora or a bottleneck, or an encoder.");
    }

    internal override BlockAdapter Declare(AdapterSite site, ParameterSet parameters)
    {
        var shape = new Shape(Length, site.KeyWidth);
        Parameter keys = parameters.Add($"{site.Name}.{KeyName}", shape);
        return new Prefix(keys, parameters.Add($"{site.Name}.{ValueName}", shape));
    }

    internal override void Draw(Parameter parameter, Backend backend) =>
        RandomValues.Normal(parameter, backend, Seed, deviation: 1);
}
