using System.Globalization;
using FastCpt.Engine.Config;
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

    private Lora(LoraSettings settings, ParameterSet parameters) => (Settings, Parameters) = (settings, parameters);

    public LoraSettings Settings { get; }

    /// <summary>A and B of every layer that has an adapter, in the model's order.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>Freezes a model, and puts fresh adapters, marked for training, on the layers that are chosen.</summary>
    /// <remarks>The model is not to be disposed before the adapters are.</remarks>
    /// <exception cref="RunException">Exit 3: a target that is no layer, a rank or an alpha that makes no sense.
    /// </exception>
    /// <exception cref="InvalidOperationException">A layer has an adapter.</exception>
    /// <exception cref="DeviceException">The memory is not to be had.</exception>
    public static Lora Attach(Model model, LoraSettings settings)
    {
        Check(model, settings);
        if (model.Linears.FirstOrDefault(linear => linear.Adapter is not null) is { } taken)
            throw new InvalidOperationException($"{taken} has an adapter.");
        var lora = new Lora(settings, new ParameterSet(model.Backend, model.Parameters.Type));
        try
        {
            foreach (Linear linear in model.Linears.Where(linear => settings.Selects(linear.Name)))
                lora.Add(linear);
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

    /// <summary>Takes the adapters off the model and gives up their memory.</summary>
    public void Dispose()
    {
        foreach (Linear linear in _linears)
            linear.Adapter = null;
        _linears.Clear();
        Parameters.Dispose();
    }

    private void Add(Linear linear)
    {
        Backend backend = Parameters.Backend;
        Parameter a = Parameters.Add($"{linear.Name}.lora_A.weight", new Shape(Settings.Rank, linear.InputWidth));
        Parameter b = Parameters.Add($"{linear.Name}.lora_B.weight", new Shape(linear.OutputWidth, Settings.Rank));
        RandomValues.Uniform(a, backend, Settings.Seed, 1 / Math.Sqrt(linear.InputWidth));
        backend.Fill(0, b.Value);
        linear.Adapter = new LowRankAdapter(a, b, Settings.Scale);
        _linears.Add(linear);
    }

    private static void Check(Model model, LoraSettings settings)
    {
        if (settings.Rank < 1 || !double.IsFinite(settings.Alpha))
            throw new RunException(
                ExitCode.Config, string.Create(CultureInfo.InvariantCulture,
                    $"lora: rank {settings.Rank} and alpha {settings.Alpha}, expected a rank of at least 1 and a ")
                + "finite alpha.");
        string[] names = [.. model.Linears.Select(linear => linear.Name)];
        foreach (string target in settings.Targets)
            if (!Array.Exists(names, name => LoraSettings.Matches(target, name)))
                throw new RunException(
                    ExitCode.Config,
                    $"lora: target '{target}' names no linear layer of the model, expected '{LoraSettings.AllLinear}' "
                    + $"or {NearestName.Listed([.. names.Select(LastPart).Distinct()], "or")}.");
        if (settings.Targets.Count == 0)
            throw new RunException(
                ExitCode.Config, $"lora: no targets; name linear layers, or '{LoraSettings.AllLinear}'.");
    }

    private static string LastPart(string name) => name[(name.LastIndexOf('.') + 1)..];
}
