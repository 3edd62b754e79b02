using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>The encoder of XLM-R and RoBERTa: blocks normed after the addition, learned positions.</summary>
/// <remarks>
/// Sentences lie one after the other and see themselves alone; the first token of each has the position after the
/// padding id's. Liu et al. 2019; Conneau et al. 2020; lora-sharing.md 4.2.
/// </remarks>
public sealed class XlmRoberta : Model
{
    private readonly IBlock[] _blocks;
    private readonly Parameter _words, _positions, _tokenTypes, _normWeight, _normBias;
    private readonly MaskedHead? _head;
    private int[] _zeros = [];

    /// <inheritdoc cref="Model(ModelConfig, Backend, DType, int)"/>
    public XlmRoberta(EncoderConfig config, Backend backend, DType type, int positions)
        : base(config, backend, type, positions)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(positions, config.LongestSegment);
        Config = config;
        (HiddenDropout, AttentionDropout) = (config.HiddenDropout, config.AttentionDropout);
        _words = Parameters[EncoderLayout.Words];
        _positions = Parameters[EncoderLayout.Positions];
        _tokenTypes = Parameters[EncoderLayout.TokenTypes];
        _normWeight = Parameters[$"{EncoderLayout.EmbeddingNorm}.weight"];
        _normBias = Parameters[$"{EncoderLayout.EmbeddingNorm}.bias"];
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(layer => new XlmRobertaBlock(this, layer))];
        _head = config.HasMaskedHead ? new MaskedHead(this, _words) : null;
    }

    public override EncoderConfig Config { get; }

    /// <summary>Of embeddings, and of what each half of a block adds to its input, in training passes.</summary>
    public float HiddenDropout { get; set; }

    /// <summary>Of attention probabilities, in training passes.</summary>
    public float AttentionDropout { get; set; }

    protected override ReadOnlySpan<IBlock> Blocks => _blocks;

    /// <summary>Cross-entropy of the tokens that masks hide.</summary>
    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The model has no head that predicts masked tokens.</exception>
    public override void Losses(Tape tape, in ModelInputs inputs, float gradientScale, Tensor losses)
    {
        MaskedHead head = RequireHead();
        tape.LinearCrossEntropy(
            head.Forward(tape, Hidden(tape, inputs)), head.Decoder, inputs.Targets, gradientScale, losses,
            inputs.PredictedCount);
    }

    /// <summary>Scores of every piece of the vocabulary in the given rows.</summary>
    /// <param name="firstRow">First row asked for; as many as logits has rows.</param>
    /// <param name="logits">[rows, V], overwritten.</param>
    /// <exception cref="InvalidOperationException">The model has no head that predicts masked tokens.</exception>
    public void Logits(Tape tape, in ModelInputs inputs, long firstRow, Tensor logits)
    {
        MaskedHead head = RequireHead();
        Tensor hidden = head.Forward(tape, Hidden(tape, inputs)).Value.Slice(firstRow, logits.Rows);
        Backend.Linear(hidden, head.Decoder.Values(projected: default), logits);
    }

    protected override Activation Embed(Tape tape)
    {
        RequireDropout(tape);
        Activation x = tape.Embedding(Inputs.Ids, _words, scale: 1, padding: Config.Padding);            // [M, C]
        x = tape.Add(x, tape.Embedding(FirstTokenTypes(tape), _tokenTypes, scale: 1));
        x = tape.Add(x, tape.Embedding(Inputs.Positions, _positions, scale: 1, Config.FirstPosition));
        x = tape.LayerNorm(x, _normWeight, _normBias, Config.NormEpsilon);
        return tape.Dropout(x, Inputs.RowKeys, HiddenDropout, DropoutLayers.Embeddings);
    }

    protected override Activation Finish(Tape tape, Activation x) => x;

    private MaskedHead RequireHead() => _head
        ?? throw new InvalidOperationException("The encoder has no head that predicts masked tokens.");

    private void RequireDropout(Tape tape)
    {
        if (!tape.IsTraining || (HiddenDropout == 0 && AttentionDropout == 0))
            return;
        if (Inputs.RowKeys.IsNone)
            throw new ArgumentException("A pass with dropout needs the keys of its rows.");
    }

    /// <summary>I32 [M]: every token is of the first type.</summary>
    private Tensor FirstTokenTypes(Tape tape)
    {
        int count = (int)Inputs.Ids.Length;
        if (_zeros.Length < count)
            _zeros = new int[count];
        return tape.Upload<int>(_zeros.AsSpan(0, count), DType.I32, Inputs.Ids.Shape);
    }
}

/// <summary>norm(x + attention(x)), then norm(x + mlp(x)).</summary>
internal sealed class XlmRobertaBlock : IBlock
{
    private readonly XlmRoberta _model;
    private readonly int _layer;
    private readonly AttentionShape _shape;
    private readonly Linear _query, _key, _value, _output, _up, _down;
    private readonly Parameter _attentionNormWeight, _attentionNormBias, _mlpNormWeight, _mlpNormBias;
    private readonly AdapterSite _site;
    private readonly ModelPart _part;

    public XlmRobertaBlock(XlmRoberta model, int layer)
    {
        (_model, _layer) = (model, layer);
        Name = $"layer {layer}";
        _shape = model.Config.AttentionOf(layer);
        string name = EncoderLayout.Layer(layer);
        _query = model.Linear($"{name}.attention.self.query");
        _key = model.Linear($"{name}.attention.self.key");
        _value = model.Linear($"{name}.attention.self.value");
        _output = model.Linear($"{name}.attention.output.dense");
        _attentionNormWeight = model.Parameters[$"{name}.attention.output.LayerNorm.weight"];
        _attentionNormBias = model.Parameters[$"{name}.attention.output.LayerNorm.bias"];
        _up = model.Linear($"{name}.intermediate.dense");
        _down = model.Linear($"{name}.output.dense");
        _mlpNormWeight = model.Parameters[$"{name}.output.LayerNorm.weight"];
        _mlpNormBias = model.Parameters[$"{name}.output.LayerNorm.bias"];
        _site = model.Site(name, (_shape.KeyHeads, _shape.HeadSize));
        _part = model.Part(name);
    }

    public string Name { get; }

    public bool IsTrained => _part.IsTrained;

    public Activation Forward(Tape t, Activation x)
    {
        AttentionShape shape = _shape with
        {
            Dropout = t.DropoutOfAttention(
                _model.Inputs.RowKeys, _model.AttentionDropout, DropoutLayers.AttentionProbabilities(_layer)),
        };
        Activation heads = _site.Attention(t, t.Linear(x, _query), t.Linear(x, _key), t.Linear(x, _value), shape);
        x = Residual(t, heads, _output, x, DropoutLayers.AttentionOutput(_layer));
        x = t.LayerNorm(x, _attentionNormWeight, _attentionNormBias, _model.Config.NormEpsilon);
        Activation inner = t.Gelu(t.Linear(x, _up));                                                     // [M, F]
        x = Residual(t, inner, _down, x, DropoutLayers.MlpOutput(_layer));
        return MlpNorm(t, _site.AddsAfterMlp ? _site.AfterMlp(t, x, MlpNorm(t, x)) : x);
    }

    private Activation MlpNorm(Tape t, Activation x) =>
        t.LayerNorm(x, _mlpNormWeight, _mlpNormBias, _model.Config.NormEpsilon);

    /// <summary>residual + dropout(x Wᵀ + bias), in one product where nothing drops out.</summary>
    private Activation Residual(Tape t, Activation x, Linear w, Activation residual, int dropout)
    {
        if (!t.IsTraining || _model.HiddenDropout == 0)
            return t.LinearResidual(x, w, residual);
        return t.Add(t.Dropout(t.Linear(x, w), _model.Inputs.RowKeys, _model.HiddenDropout, dropout), residual);
    }
}
