using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>Low-rank adapters on a model's linear layers: trained, while the model itself is frozen.</summary>
/// <remarks>
/// y = x Wᵀ + bias + scale · (x Aᵀ) Bᵀ. A is uniform in ±1/√K, which is Kaiming's with a = √5, and B is 0, so that a
/// fresh adapter changes no bit. A value depends on the seed, the parameter's name and the element alone. Parameters
/// are called as PEFT's files call them after their prefix: <c>model.layers.3.self_attn.q_proj.lora_A.weight</c>.
/// Hu et al. 2021, section 4.1.
/// </remarks>
public sealed class Lora : IDisposable
{
    private readonly List<Linear> _linears = [];
    private readonly int _place;

    private Lora(LoraSettings settings, ParameterSet parameters, int place) =>
        (Settings, Parameters, _place) = (settings, parameters, place);

    public LoraSettings Settings { get; }

    /// <summary>A and B of every layer that has an adapter, in the model's order.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>The layers that have one of these adapters, in the model's order.</summary>
    public IReadOnlyList<Linear> Linears => _linears;

    /// <summary>Freezes a model, and puts fresh adapters, marked for training, on the layers that are chosen.</summary>
    /// <remarks>The model is not to be disposed before the adapters are.</remarks>
    /// <exception cref="RunException">Exit 3: a target that is no layer, a rank or an alpha that makes no sense.
    /// </exception>
    /// <param name="place">Of the adapters in their layers, where several share the model.</param>
    /// <exception cref="InvalidOperationException">A layer has an adapter at that place.</exception>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public static Lora Attach(Model model, LoraSettings settings, int place = 0)
    {
        var targets = new LoraTargets(settings);
        targets.RequireEffect([.. model.Linears.Select(linear => linear.Name)]);
        return Attach(
            model, settings,
            name => targets.Selects(name) ? (targets.RankOf(name), targets.ScaleOf(name)) : null, place);
    }

    /// <summary>The same for layers that something else than the settings has chosen.</summary>
    /// <param name="chosen">Rank and scale of a layer's adapter; null for none.</param>
    internal static Lora Attach(
        Model model, LoraSettings settings, Func<string, (int Rank, float Scale)?> chosen, int place = 0)
    {
        if (model.Linears.FirstOrDefault(linear => linear.AdapterAt(place) is not null) is { } taken)
            throw new InvalidOperationException($"{taken} has an adapter.");
        var lora = new Lora(settings, new ParameterSet(model.Backend, model.Parameters.Type), place);
        try
        {
            foreach (Linear linear in model.Linears)
                if (chosen(linear.Name) is { } size)
                    lora.Add(linear, size.Rank, size.Scale);
        }
        catch
        {
            lora.Dispose();
            throw;
        }

        model.Parameters.Train(_ => false);
        lora.Parameters.Train(_ => true);
        return lora;
    }

    /// <summary>The adapter of one of <see cref="Linears"/>.</summary>
    internal LowRankAdapter AdapterOf(Linear linear) => linear.AdapterAt(_place)!;      // it is one of them

    /// <summary>Takes the adapters off the model and gives up their memory.</summary>
    public void Dispose()
    {
        foreach (Linear linear in _linears)
            linear.SetAdapter(_place, null);
        _linears.Clear();
        Parameters.Dispose();
    }

    private void Add(Linear linear, int rank, float scale)
    {
        Backend backend = Parameters.Backend;
        Parameter a = Parameters.Add($"{linear.Name}{LoraNames.A}", new Shape(rank, linear.InputWidth));
        Parameter b = Parameters.Add($"{linear.Name}{LoraNames.B}", new Shape(linear.OutputWidth, rank));
        RandomValues.Uniform(a, backend, Settings.Seed, 1 / Math.Sqrt(linear.InputWidth));
        backend.Fill(0, b.Value);
        linear.SetAdapter(_place, new LowRankAdapter(a, b, scale, (float)Settings.Dropout));
        _linears.Add(linear);
    }
}
