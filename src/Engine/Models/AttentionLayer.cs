using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>Self-attention of a decoder block, up to its output projection.</summary>
/// <remarks>
/// Grouped heads (Ainslie et al. 2023), rotary positions, a norm over query and key heads where the family has one.
/// </remarks>
internal sealed class AttentionLayer
{
    private readonly CausalModel _model;
    private readonly AttentionShape _shape;
    private readonly bool _local;
    private readonly float _normOffset;
    private readonly Linear _query, _key, _value;
    private readonly Parameter? _queryNorm, _keyNorm;

    /// <param name="name">Prefix of the parameters: <c>model.layers.3.self_attn</c>.</param>
    /// <param name="normOffset">What is added to the query and key norms' weights.</param>
    public AttentionLayer(CausalModel model, int layer, string name, float normOffset)
    {
        DecoderConfig config = model.Config;
        _model = model;
        _local = config.LocalLayers[layer];
        _normOffset = normOffset;
        _shape = config.AttentionOf(layer);
        _query = model.Linear($"{name}.q_proj");
        _key = model.Linear($"{name}.k_proj");
        _value = model.Linear($"{name}.v_proj");
        Output = model.Linear($"{name}.o_proj");
        if (!config.QueryKeyNorm)
            return;
        _queryNorm = model.Parameters[$"{name}.q_norm.weight"];
        _keyNorm = model.Parameters[$"{name}.k_norm.weight"];
    }

    /// <summary>The output projection [C, H·D], which the block joins with its residual.</summary>
    public Linear Output { get; }

    /// <summary>Heads side by side, before the output projection.</summary>
    /// <param name="n">[M, C], normed.</param>
    /// <returns>[M, H·D].</returns>
    public Activation Heads(Tape t, Activation n)
    {
        Tensor positions = _model.Inputs.Positions;
        Tensor rotation = _local ? _model.LocalRotation : _model.Rotation;
        Activation q = t.Rope(HeadNorm(t, t.Linear(n, _query), _queryNorm), positions, rotation); // [M, H*D]
        Activation k = t.Rope(HeadNorm(t, t.Linear(n, _key), _keyNorm), positions, rotation);     // [M, K*D]
        Activation v = t.Linear(n, _value);                                                       // [M, K*D]
        return t.Attention(q, k, v, _model.Inputs.Segments, _shape);
    }

    private Activation HeadNorm(Tape t, Activation x, Parameter? weight)
    {
        if (weight is null)
            return x;
        Activation heads = x.Reshape(x.Value.Length / _shape.HeadSize, _shape.HeadSize); // [M*H, D]
        return t.RmsNorm(heads, weight, _normOffset, _model.Config.NormEpsilon).Reshape(x.Value.Rows, x.Value.Cols);
    }
}
