using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Models;

/// <summary>What predicts masked tokens: norm(gelu(dense(x))), then the word embeddings and a bias of their own.
/// </summary>
internal sealed class MaskedHead
{
    private readonly XlmRoberta _model;
    private readonly Linear _dense;
    private readonly Parameter _normWeight, _normBias;

    public MaskedHead(XlmRoberta model, Parameter words)
    {
        ParameterSet parameters = model.Parameters;
        _model = model;
        _dense = new Linear(
            EncoderLayout.HeadDense, parameters[$"{EncoderLayout.HeadDense}.weight"],
            parameters[$"{EncoderLayout.HeadDense}.bias"]);
        _normWeight = parameters[$"{EncoderLayout.HeadNorm}.weight"];
        _normBias = parameters[$"{EncoderLayout.HeadNorm}.bias"];
        Decoder = new Linear("lm_head.decoder", words, parameters[EncoderLayout.HeadBias]);
    }

    /// <summary>[V, C], the word embeddings; the bias [V] is the head's own.</summary>
    public Linear Decoder { get; }

    /// <param name="x">[M, C], the last block's.</param>
    /// <returns>[M, C], what the decoder scores.</returns>
    public Activation Forward(Tape t, Activation x) =>
        t.LayerNorm(t.Gelu(t.Linear(x, _dense)), _normWeight, _normBias, _model.Config.NormEpsilon);
}
