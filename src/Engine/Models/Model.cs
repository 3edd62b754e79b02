using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>A transformer: embeddings, blocks, and a head that predicts tokens.</summary>
public abstract class Model : IDisposable
{
    private readonly List<Linear> _linears = [];
    private readonly List<AdapterSite> _sites = [];
    private readonly PrefixRows _prefixRows = new();

    /// <param name="type">Type of weights and activations.</param>
    /// <param name="positions">Longest segment that the model will see.</param>
    protected Model(ModelConfig config, Backend backend, DType type, int positions)
    {
        Backend = backend;
        Positions = positions;
        Parameters = new ParameterSet(backend, type);
        foreach (ParameterShape parameter in ParameterLayout.Of(config))
            Parameters.Add(parameter.Name, parameter.Shape);
    }

    public abstract ModelConfig Config { get; }

    public Backend Backend { get; }

    public ParameterSet Parameters { get; }

    /// <summary>Longest segment that the model can see.</summary>
    public int Positions { get; }

    /// <summary>The linear layers of all blocks, in the model's order; no head is among them.</summary>
    public IReadOnlyList<Linear> Linears => _linears;

    /// <summary>Where blocks take up adapters of other kinds, in the model's order.</summary>
    public IReadOnlyList<AdapterSite> Sites => _sites;

    /// <summary>The batch of the pass that runs; blocks read it when they run again.</summary>
    internal ModelInputs Inputs { get; private set; }

    /// <summary>Rows of prefixes in the pass that runs; null where there are none.</summary>
    internal PrefixRows? Prefixes { get; private set; }

    protected abstract ReadOnlySpan<IBlock> Blocks { get; }

    /// <summary>Cross-entropy of every row, in nats; in a training pass also where the gradients start.</summary>
    /// <param name="gradientScale">One over the tokens that the whole optimizer step predicts.</param>
    /// <param name="losses">[M] of the statistic type, overwritten; 0 where nothing is predicted.</param>
    public abstract void Losses(Tape tape, in ModelInputs inputs, float gradientScale, Tensor losses);

    /// <summary>Last activations: [M, C].</summary>
    public Activation Hidden(Tape tape, in ModelInputs inputs)
    {
        if (inputs.Segments.Longest > Positions)
            throw new ArgumentException($"A segment of {inputs.Segments.Longest} rows; the model sees {Positions}.");
        Inputs = inputs;
        tape.SetRows(inputs.RowKeys, inputs.Adapters);
        Prefixes = _sites is [{ HasPrefix: true }, ..] ? _prefixRows : null;
        Prefixes?.Prepare(tape, inputs, _sites[0]);
        tape.Mark("embedding");
        Activation x = Embed(tape);
        foreach (IBlock block in Blocks)
            x = tape.Block(block, x);
        tape.Mark("head");
        return Finish(tape, x);
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>What enters the first block: [M, C].</summary>
    protected abstract Activation Embed(Tape tape);

    /// <summary>What follows the last block: [M, C] to [M, C].</summary>
    protected abstract Activation Finish(Tape tape, Activation x);

    protected virtual void Dispose(bool disposing) => Parameters.Dispose();

    /// <summary>The linear layer of a name, with its bias where the model has one.</summary>
    internal Linear Linear(string name)
    {
        Parameters.TryGet($"{name}.bias", out Parameter? bias);
        var linear = new Linear(
            name, Parameters[$"{name}.weight"], bias, DropoutLayers.Adapters + _linears.Count);
        _linears.Add(linear);
        return linear;
    }

    /// <summary>The next block's place for adapters of other kinds.</summary>
    /// <param name="keys">Heads of the block's keys and their size; none where it takes no prefix.</param>
    internal AdapterSite Site(string name, (int Heads, int Size) keys = default)
    {
        _sites.Add(new AdapterSite(this, name, Config.Width, keys));
        return _sites[^1];
    }

    /// <summary>The part of a name: its parameters, and adapters on its linear layers and at its site.</summary>
    internal ModelPart Part(string name) => new(
        [.. Parameters.All.Where(parameter => parameter.Name.StartsWith($"{name}.", StringComparison.Ordinal))],
        [.. _linears.Where(linear => linear.Name.StartsWith($"{name}.", StringComparison.Ordinal))],
        [.. _sites.Where(site => site.Name == name)]);
}
