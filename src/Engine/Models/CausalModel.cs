using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>A decoder: embedding, blocks, a last norm and an output head that may be the embedding table.</summary>
public abstract class CausalModel : IDisposable
{
    private readonly List<DeviceBuffer> _tables = [];
    private readonly List<Linear> _linears = [];

    /// <param name="type">Type of weights and activations.</param>
    /// <param name="positions">Longest row that the model will see.</param>
    protected CausalModel(ModelConfig config, Backend backend, DType type, int positions)
    {
        Config = config;
        Backend = backend;
        Positions = positions;
        Parameters = new ParameterSet(backend, type);
        foreach (ParameterShape parameter in ParameterLayout.Of(config))
            Parameters.Add(parameter.Name, parameter.Shape);
        EmbeddingTable = Parameters[ParameterLayout.Embedding];
        Head = config.TiedHead ? EmbeddingTable : Parameters[ParameterLayout.Head];
        Rotation = Table(config.Rope, positions);
        LocalRotation = config.LocalRope == config.Rope ? Rotation : Table(config.LocalRope, positions);
    }

    public ModelConfig Config { get; }

    public Backend Backend { get; }

    public ParameterSet Parameters { get; }

    /// <summary>Longest row that the model can see.</summary>
    public int Positions { get; }

    /// <summary>The linear layers of all blocks, in the model's order; the output head is not among them.</summary>
    public IReadOnlyList<Linear> Linears => _linears;

    /// <summary>[V, C].</summary>
    public Parameter Head { get; }

    /// <summary>RoPE table of layers that see everything before them.</summary>
    internal Tensor Rotation { get; }

    /// <summary>RoPE table of layers with a window.</summary>
    internal Tensor LocalRotation { get; }

    /// <summary>The batch of the pass that runs; blocks read it when they run again.</summary>
    internal ModelInputs Inputs { get; private set; }

    protected Parameter EmbeddingTable { get; }

    /// <summary>What embeddings are multiplied by.</summary>
    protected internal virtual float EmbeddingScale => 1;

    protected abstract ReadOnlySpan<IBlock> Blocks { get; }

    /// <summary>Cross-entropy of every row, in nats; in a training pass also where the gradients start.</summary>
    /// <param name="gradientScale">One over the tokens that the whole optimizer step predicts.</param>
    /// <param name="losses">[M] of the statistic type, overwritten.</param>
    public void Losses(Tape tape, in ModelInputs inputs, float gradientScale, Tensor losses) =>
        tape.LinearCrossEntropy(Hidden(tape, inputs), Head, inputs.Targets, gradientScale, losses);

    /// <summary>Scores of every piece of the vocabulary to follow the given rows.</summary>
    /// <param name="firstRow">First row asked for; as many as logits has rows.</param>
    /// <param name="logits">[rows, V], overwritten.</param>
    public void Logits(Tape tape, in ModelInputs inputs, long firstRow, Tensor logits)
    {
        Tensor hidden = Hidden(tape, inputs).Value.Slice(firstRow, logits.Rows);
        Backend.Linear(hidden, new LinearWeight(Head.Value), logits);
    }

    public void Dispose()
    {
        Parameters.Dispose();
        foreach (DeviceBuffer table in _tables)
            table.Dispose();
        _tables.Clear();
        GC.SuppressFinalize(this);
    }

    /// <summary>Last activations, normed: [M, C].</summary>
    protected Activation Hidden(Tape tape, in ModelInputs inputs)
    {
        Inputs = inputs;
        tape.Mark("embedding");
        Activation x = tape.Embedding(inputs.Ids, EmbeddingTable, EmbeddingScale);
        foreach (IBlock block in Blocks)
            x = tape.Block(block, x);
        tape.Mark("head");
        return FinalNorm(tape, x);
    }

    protected abstract Activation FinalNorm(Tape tape, Activation x);

    /// <summary>The linear layer of a name, with its bias where the model has one.</summary>
    internal Linear Linear(string name)
    {
        Parameters.TryGet($"{name}.bias", out Parameter? bias);
        var linear = new Linear(name, Parameters[$"{name}.weight"], bias);
        _linears.Add(linear);
        return linear;
    }

    /// <summary>The part of a name: its parameters, and adapters on its linear layers.</summary>
    internal ModelPart Part(string name) => new(
        [.. Parameters.All.Where(parameter => parameter.Name.StartsWith($"{name}.", StringComparison.Ordinal))],
        [.. _linears.Where(linear => linear.Name.StartsWith($"{name}.", StringComparison.Ordinal))]);

    private Tensor Table(RopeConfig rope, int positions)
    {
        DType type = Parameters.Type == DType.F64 ? DType.F64 : DType.F32;
        Tensor table = RopeTable.Upload(Backend, rope, Config.HeadSize, positions, type, out DeviceBuffer memory);
        _tables.Add(memory);
        return table;
    }
}
