using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Llama, and its kin that differ in a bias (Qwen2) or a norm over query and key heads (Qwen3).</summary>
/// <remarks>Touvron et al. 2023; Yang et al. 2024 and 2025 for Qwen.</remarks>
public sealed class Llama : CausalModel
{
    private readonly LlamaBlock[] _blocks;
    private readonly Parameter _norm;

    /// <inheritdoc cref="CausalModel(ModelConfig, Backend, DType, int)"/>
    public Llama(ModelConfig config, Backend backend, DType type, int positions)
        : base(config, backend, type, positions)
    {
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(layer => new LlamaBlock(this, layer))];
        _norm = Parameters.Add("model.norm.weight", new Shape(config.Width));
        FinishParameters();
    }

    protected override IReadOnlyList<IBlock> Blocks => _blocks;

    protected override Activation FinalNorm(Tape tape, Activation x) =>
        tape.RmsNorm(x, _norm, offset: 0, Config.NormEpsilon);
}

/// <summary>x + attention(norm x), then x + mlp(norm x).</summary>
internal sealed class LlamaBlock : IBlock
{
    private readonly float _epsilon;
    private readonly AttentionLayer _attention;
    private readonly Parameter _attentionNorm, _mlpNorm;
    private readonly Linear _gate, _up, _down;
    private readonly Parameter[] _parameters;

    public LlamaBlock(CausalModel model, int layer)
    {
        ModelConfig config = model.Config;
        string name = $"model.layers.{layer}";
        int first = model.Parameters.All.Count;
        _epsilon = config.NormEpsilon;
        _attentionNorm = model.Parameters.Add($"{name}.input_layernorm.weight", new Shape(config.Width));
        _attention = new AttentionLayer(model, layer, $"{name}.self_attn", normOffset: 0);
        _mlpNorm = model.Parameters.Add($"{name}.post_attention_layernorm.weight", new Shape(config.Width));
        _gate = model.Linear($"{name}.mlp.gate_proj", config.InnerWidth, config.Width, config.MlpBias);
        _up = model.Linear($"{name}.mlp.up_proj", config.InnerWidth, config.Width, config.MlpBias);
        _down = model.Linear($"{name}.mlp.down_proj", config.Width, config.InnerWidth, config.MlpBias);
        _parameters = [.. model.Parameters.All.Skip(first)];
    }

    public bool IsTrained => Array.Exists(_parameters, parameter => parameter.IsTrained);

    public Activation Forward(Tape t, Activation x)
    {
        Activation n = t.RmsNorm(x, _attentionNorm, offset: 0, _epsilon);
        x = t.LinearResidual(_attention.Heads(t, n), _attention.Output, x);
        n = t.RmsNorm(x, _mlpNorm, offset: 0, _epsilon);
        return t.GatedMlp(n, _gate, _up, _down, Gate.SwiGlu, x);
    }
}
