using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>A decoder: embedding, blocks, a last norm and an output head that may be the embedding table.</summary>
public abstract class CausalModel : Model
{
    private readonly List<DeviceBuffer> _tables = [];
    private readonly Linear _output;

    /// <inheritdoc cref="Model(ModelConfig, Backend, DType, int)"/>
    protected CausalModel(DecoderConfig config, Backend backend, DType type, int positions)
        : base(config, backend, type, positions)
    {
        Config = config;
        EmbeddingTable = Parameters[ParameterLayout.Embedding];
        Head = config.TiedHead ? EmbeddingTable : Parameters[ParameterLayout.Head];
        _output = new Linear("lm_head", Head);
        Rotation = Table(config.Rope, positions);
        LocalRotation = config.LocalRope == config.Rope ? Rotation : Table(config.LocalRope, positions);
    }

    public override DecoderConfig Config { get; }

    /// <summary>[V, C].</summary>
    public Parameter Head { get; }

    /// <summary>RoPE table of layers that see everything before them.</summary>
    internal Tensor Rotation { get; }

    /// <summary>RoPE table of layers with a window.</summary>
    internal Tensor LocalRotation { get; }

    protected Parameter EmbeddingTable { get; }

    /// <summary>What embeddings are multiplied by.</summary>
    protected internal virtual float EmbeddingScale => 1;

    public override void Losses(Tape tape, in ModelInputs inputs, float gradientScale, Tensor losses) =>
        tape.LinearCrossEntropy(Hidden(tape, inputs), _output, inputs.Targets, gradientScale, losses);

    /// <summary>Scores of every piece of the vocabulary to follow the given rows.</summary>
    /// <param name="firstRow">First row asked for; as many as logits has rows.</param>
    /// <param name="logits">[rows, V], overwritten.</param>
    public void Logits(Tape tape, in ModelInputs inputs, long firstRow, Tensor logits)
    {
        Tensor hidden = Hidden(tape, inputs).Value.Slice(firstRow, logits.Rows);
        Backend.Linear(hidden, new LinearWeight(Head.Value), logits);
    }

    protected override Activation Embed(Tape tape) => tape.Embedding(Inputs.Ids, EmbeddingTable, EmbeddingScale);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        foreach (DeviceBuffer table in _tables)
            table.Dispose();
        _tables.Clear();
    }

    private Tensor Table(RopeConfig rope, int positions)
    {
        DType type = Parameters.Type == DType.F64 ? DType.F64 : DType.F32;
        Tensor table = RopeTable.Upload(Backend, rope, Config.HeadSize, positions, type, out DeviceBuffer memory);
        _tables.Add(memory);
        return table;
    }
}
