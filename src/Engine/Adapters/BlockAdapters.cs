using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>Adapters of one learner at the blocks of a frozen model: bottlenecks, a fusion of several, or prefixes.
/// </summary>
/// <remarks>Made apart from the model, and put on it as often as one likes, beside those of others.</remarks>
public sealed class BlockAdapters : IDisposable
{
    private readonly List<BlockAdapter> _adapters = [];

    private BlockAdapters(BlockAdapterSettings settings, ParameterSet parameters) =>
        (Settings, Parameters) = (settings, parameters);

    public BlockAdapterSettings Settings { get; }

    /// <summary>In the order of the model's blocks.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>Fresh adapters, marked for training; the model is left alone.</summary>
    /// <exception cref="RunException">Exit 3: the settings make no sense, or the model has no place for this.
    /// </exception>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public static BlockAdapters Create(Model model, BlockAdapterSettings settings)
    {
        settings.Check(model);
        var made = new BlockAdapters(settings, new ParameterSet(model.Backend, model.Parameters.Type));
        try
        {
            foreach (AdapterSite site in model.Sites)
                made._adapters.Add(settings.Declare(site, made.Parameters));
            foreach (Parameter parameter in made.Parameters.All)
                settings.Draw(parameter, model.Backend);
            made.Parameters.Train(settings.Trains);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>Copies trained bottlenecks into a fusion.</summary>
    /// <param name="name">As the fusion's settings call them.</param>
    /// <param name="bottlenecks">Free to go when this returns.</param>
    /// <exception cref="KeyNotFoundException">The fusion is of no such bottlenecks.</exception>
    public void Fuse(string name, BlockAdapters bottlenecks)
    {
        foreach (Parameter parameter in bottlenecks.Parameters.All)
            Parameters.Backend.Convert(
                parameter.Value, Parameters[FusionSettings.NameOf(name, parameter.Name)].Value);
        Parameters.Backend.Synchronize();
    }

    /// <summary>Puts the adapters on the model they are made for, in the stead of what is at that place.</summary>
    /// <param name="place">As <see cref="AdapterRows"/> know it; the first serves passes that say nothing.</param>
    public void Attach(Model model, int place)
    {
        for (int i = 0; i < _adapters.Count; i++)
            model.Sites[i].Set(place, _adapters[i]);
    }

    /// <summary>Takes whatever is at any place off a model.</summary>
    public static void Detach(Model model)
    {
        foreach (AdapterSite site in model.Sites)
            site.Clear();
    }

    /// <summary>Gives up the memory; take the adapters off before.</summary>
    public void Dispose()
    {
        _adapters.Clear();
        Parameters.Dispose();
    }
}
