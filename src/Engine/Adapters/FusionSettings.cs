using System.Runtime.InteropServices;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>A fusion of bottlenecks that stay as they are; V begins as the identity. See <see cref="Fusion"/>.
/// </summary>
public sealed record FusionSettings : BlockAdapterSettings
{
    private const string Prefix = "adapters.", ValueName = ".adapter_fusion.value.weight";

    /// <summary>What is fused, in order: names, as of languages, and widths.</summary>
    public IReadOnlyList<(string Name, int Width)> Adapters { get; init; } = [];

    /// <summary>What the parameter of an adapter is called among those of a fusion.</summary>
    internal static string NameOf(string adapter, string parameter) => $"{Prefix}{adapter}.{parameter}";

    internal override void Check(Model model)
    {
        if (Adapters.Count == 0 || Adapters.DistinctBy(adapter => adapter.Name).Count() < Adapters.Count)
            throw Refuse("a fusion of no adapters, or of two that have the same name.");
        foreach (var (_, width) in Adapters)
            new BottleneckSettings { Width = width }.Check(model);
    }

    internal override BlockAdapter Declare(AdapterSite site, ParameterSet parameters)
    {
        Bottleneck[] adapters =
        [
            .. Adapters.Select(adapter => new BottleneckSettings { Width = adapter.Width }.Declare(
                NameOf(adapter.Name, site.Name), site.Width, parameters)),
        ];
        return new Fusion(adapters, Square("query"), Square("key"), Square("value"));

        Linear Square(string part)
        {
            string name = $"{site.Name}.adapter_fusion.{part}";
            return new Linear(name, parameters.Add($"{name}.weight", new Shape(site.Width, site.Width)));
        }
    }

    internal override void Draw(Parameter parameter, Backend backend)
    {
        if (!Trains(parameter))
            backend.Fill(0, parameter.Value);
        else if (parameter.Name.EndsWith(ValueName, StringComparison.Ordinal))
            SetIdentity(parameter, backend);
        else
            RandomValues.Normal(parameter, backend, Seed, Deviation);
    }

    internal override bool Trains(Parameter parameter) =>
        !parameter.Name.StartsWith(Prefix, StringComparison.Ordinal);

    private static void SetIdentity(Parameter parameter, Backend backend)
    {
        int width = checked((int)parameter.Value.Rows);
        var values = new float[parameter.Value.Length];
        for (int i = 0; i < width; i++)
            values[(long)i * width + i] = 1;
        using DeviceBuffer staging = backend.Allocate(parameter.Value.Length * sizeof(float));
        Tensor singles = staging.At(0, DType.F32, parameter.Value.Shape);
        backend.Upload(MemoryMarshal.AsBytes<float>(values), singles);
        backend.Convert(singles, parameter.Value);
        backend.Synchronize();
    }
}
