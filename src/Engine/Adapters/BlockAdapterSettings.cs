using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>What blocks get beside their linear layers, and from which seed it is drawn.</summary>
public abstract record BlockAdapterSettings
{
    /// <summary>Deviation of matrices that are drawn, as in the models' own initialization.</summary>
    protected const float Deviation = 0.02f;

    public ulong Seed { get; init; }

    /// <exception cref="RunException">Exit 3: the settings make no sense, or the model has no place for this.
    /// </exception>
    internal abstract void Check(Model model);

    /// <summary>Declares the parameters of one block; their values are undefined.</summary>
    internal abstract BlockAdapter Declare(AdapterSite site, ParameterSet parameters);

    /// <summary>Gives a parameter of a fresh adapter its value.</summary>
    internal abstract void Draw(Parameter parameter, Backend backend);

    internal virtual bool Trains(Parameter parameter) => true;

    /// <summary>A linear layer with bias from K to N numbers.</summary>
    internal static Linear Linear(ParameterSet parameters, string name, long outputs, long inputs) => new(
        name, parameters.Add($"{name}.weight", new Shape(outputs, inputs)),
        parameters.Add($"{name}.bias", new Shape(outputs)));

    private protected static RunException Refuse(string what) => new(ExitCode.Config, $"adapter: {what}");
}
