using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Llama, and its kin that differ in a bias (Qwen2) or a norm over query and key heads (Qwen3).</summary>
/// <remarks>Touvron et al. 2023; Yang et al. 2024 and 2025 for Qwen.</remarks>
public sealed class Llama : CausalModel
{
    private readonly IBlock[] _blocks;
    private readonly Parameter _norm;

    /// <inheritdoc cref="CausalModel(DecoderConfig, Backend, DType, int)"/>
    public Llama(DecoderConfig config, Backend backend, DType type, int positions)
        : base(config, backend, type, positions)
    {
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(layer => new LlamaBlock(this, layer))];
        _norm = Parameters["model.norm.weight"];
    }

    protected override ReadOnlySpan<IBlock> Blocks => _blocks;

    protected override Activation Finish(Tape tape, Activation x) =>
        tape.RmsNorm(x, _norm, offset: 0, Config.NormEpsilon);
}

/// <summary>x + attention(norm x), then x + mlp(norm x).</summary>
internal sealed class LlamaBlock : IBlock
{
    private readonly float _epsilon;
    private readonly AttentionLayer _attention;
    private readonly Parameter _attentionNorm, _mlpNorm;
    private readonly Linear _gate, _up, _down;
    private readonly AdapterSite _site;
    private readonly ModelPart _part;

    public LlamaBlock(CausalModel model, int layer)
    {
        Name = $"layer {layer}";
        string name = $"model.layers.{layer}";
        _epsilon = model.Config.NormEpsilon;
        _attentionNorm = model.Parameters[$"{name}.input_layernorm.weight"];
        _attention = new AttentionLayer(model, layer, $"{name}.self_attn", normOffset: 0);
        _mlpNorm = model.Parameters[$"{name}.post_attention_layernorm.weight"];
        _gate = model.Linear($"{name}.mlp.gate_proj");
        _up = model.Linear($"{name}.mlp.up_proj");
        _down = model.Linear($"{name}.mlp.down_proj");
        _site = model.Site(name);
        _part = model.Part(name);
    }

    public string Name { get; }

    public bool IsTrained => _part.IsTrained;

    public Activation Forward(Tape t, Activation x)
    {
        Activation n = t.RmsNorm(x, _attentionNorm, offset: 0, _epsilon);
        x = t.LinearResidual(_attention.Heads(t, n), _attention.Output, x);
        n = t.RmsNorm(x, _mlpNorm, offset: 0, _epsilon);
        x = t.GatedMlp(n, _gate, _up, _down, Gate.SwiGlu, x);
        return _site.AfterMlp(t, x, x);
    }
}
