using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Gemma 3's text decoder: norms around each part, five windowed layers to one that sees all.</summary>
/// <remarks>Gemma Team 2025. Norm weights are offsets from 1; embeddings are scaled by √C.</remarks>
public sealed class Gemma3 : CausalModel
{
    private readonly IBlock[] _blocks;
    private readonly Parameter _norm;

    /// <inheritdoc cref="CausalModel(DecoderConfig, Backend, DType, int)"/>
    public Gemma3(DecoderConfig config, Backend backend, DType type, int positions)
        : base(config, backend, type, positions)
    {
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(layer => new GemmaBlock(this, layer))];
        _norm = Parameters["model.norm.weight"];
    }

    protected override ReadOnlySpan<IBlock> Blocks => _blocks;

    /// <summary>√C rounded to the weights' type: 50.5 at width 2,560 in BF16.</summary>
    protected internal override float EmbeddingScale
    {
        get
        {
            float scale = MathF.Sqrt(Config.Width);
            return Parameters.Type == DType.BF16 ? Bf16.ToSingle(Bf16.FromSingle(scale)) : scale;
        }
    }

    protected override Activation Finish(Tape tape, Activation x) =>
        tape.RmsNorm(x, _norm, GemmaBlock.NormOffset, Config.NormEpsilon);
}

/// <summary>x + norm(attention(norm x)), then x + norm(mlp(norm x)).</summary>
internal sealed class GemmaBlock : IBlock
{
    public const float NormOffset = 1;

    private readonly float _epsilon;
    private readonly AttentionLayer _attention;
    private readonly Parameter _inputNorm, _postAttentionNorm, _preMlpNorm, _postMlpNorm;
    private readonly Linear _gate, _up, _down;
    private readonly AdapterSite _site;
    private readonly ModelPart _part;

    public GemmaBlock(CausalModel model, int layer)
    {
        Name = $"layer {layer}";
        string name = $"model.layers.{layer}";
        _epsilon = model.Config.NormEpsilon;
        _inputNorm = model.Parameters[$"{name}.input_layernorm.weight"];
        _attention = new AttentionLayer(model, layer, $"{name}.self_attn", NormOffset);
        _postAttentionNorm = model.Parameters[$"{name}.post_attention_layernorm.weight"];
        _preMlpNorm = model.Parameters[$"{name}.pre_feedforward_layernorm.weight"];
        _gate = model.Linear($"{name}.mlp.gate_proj");
        _up = model.Linear($"{name}.mlp.up_proj");
        _down = model.Linear($"{name}.mlp.down_proj");
        _postMlpNorm = model.Parameters[$"{name}.post_feedforward_layernorm.weight"];
        _site = model.Site(name);
        _part = model.Part(name);
    }

    public string Name { get; }

    public bool IsTrained => _part.IsTrained;

    public Activation Forward(Tape t, Activation x)
    {
        Activation n = Norm(t, x, _inputNorm);
        Activation attended = t.Linear(_attention.Heads(t, n), _attention.Output);
        x = t.Add(x, Norm(t, attended, _postAttentionNorm));
        n = Norm(t, x, _preMlpNorm);
        Activation fed = t.GatedMlp(n, _gate, _up, _down, Gate.GeGlu, residual: null);
        x = t.Add(x, Norm(t, fed, _postMlpNorm));
        return _site.AfterMlp(t, x, x);
    }

    private Activation Norm(Tape t, Activation x, Parameter weight) => t.RmsNorm(x, weight, NormOffset, _epsilon);
}
