using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>A step of a Llama shape: all weights train, or adapters.</summary>
internal sealed class DecoderStep : TrainingStep
{
    public static readonly IReadOnlyList<string> Sizes = ["15m", "110m"];

    private readonly CausalModel _model;
    private readonly Lora? _lora;
    private readonly ParameterSet _trained;
    private readonly PackedWeights? _packed;
    private readonly Tape _tape;
    private readonly TokenLosses _losses;
    private readonly AdamW _optimizer;
    private readonly int[] _ids, _targets, _positions, _bounds;
    private long _update;

    /// <param name="size">One of <see cref="Sizes"/>.</param>
    /// <param name="lora">Adapters to train instead of the weights; null for none.</param>
    /// <param name="batch">Rows and tokens a row; the size's own where it is null.</param>
    /// <param name="packs">Whether frozen weights are packed once, as a run does.</param>
    public DecoderStep(
        Backend backend, string size, DType type, bool recompute = false, LoraSettings? lora = null,
        (int Rows, int Length)? batch = null, bool packs = true)
    {
        Recompute = recompute;
        _model = Model(backend, size, type);
        (int rows, int length) = batch ?? (size == "15m" ? 8 : 4, _model.Config.MaxPositions);
        ModelInitializer.Draw(_model, seed: 1);
        if (lora is null)
            _model.Parameters.Train(_ => true);
        else
            _lora = Lora.Attach(_model, lora);
        _trained = _lora?.Parameters ?? _model.Parameters;
        _packed = packs ? new PackedWeights(_model.Parameters, _model.Linears, rows * length) : null;
        _tape = new Tape(backend);
        _losses = new TokenLosses(backend, rows * length);
        _optimizer = new AdamW(_trained, new AdamWSettings(), _ => default);
        var random = new Random(1);
        _ids = Draw();
        _targets = Draw();
        _positions = [.. Enumerable.Range(0, rows * length).Select(i => i % length)];
        _bounds = [.. Enumerable.Range(0, rows).SelectMany(row => new[] { row * length, (row + 1) * length })];

        int[] Draw() => [.. Enumerable.Range(0, rows * length).Select(_ => random.Next(_model.Config.VocabularySize))];
    }

    public bool Recompute { get; }

    public override int Tokens => _ids.Length;

    public override double Flops => _tape.ProductFlops + FlopCount.Attention(_model.Config, _bounds);

    /// <param name="size">One of <see cref="Sizes"/>.</param>
    public static CausalModel Model(Backend backend, string size, DType type)
    {
        DecoderConfig config = size == "15m" ? Shape(288, 6, 6, 2, 768, 256) : Shape(768, 12, 12, 4, 2048, 512);
        return new Llama(config, backend, type, config.MaxPositions);
    }

    public override double Run()
    {
        _trained.ClearGradients();
        _tape.BeginTraining(Recompute);
        ModelInputs inputs = ModelInputs.Upload(_tape, _ids, _positions, _bounds, _targets);
        _model.Losses(_tape, inputs, 1f / Tokens, _losses.For(Tokens));
        _tape.Backward();
        double norm = _optimizer.GradientNorm();
        _optimizer.Update(norm, 1e-4, ++_update);
        return _losses.Sum(Tokens) / Tokens;
    }

    public override void Dispose()
    {
        _optimizer.Dispose();
        _losses.Dispose();
        _tape.Dispose();
        _packed?.Dispose();
        _lora?.Dispose();
        _model.Dispose();
    }

    private static DecoderConfig Shape(
        int width, int layers, int heads, int keyHeads, int inner, int positions) => new()
    {
        Architecture = Architecture.Llama,
        VocabularySize = 32000,
        Width = width,
        Layers = layers,
        Heads = heads,
        KeyHeads = keyHeads,
        HeadSize = width / heads,
        InnerWidth = inner,
        MaxPositions = positions,
        NormEpsilon = 1e-6f,
        AttentionScale = 1 / MathF.Sqrt(width / (float)heads),
        TiedHead = true,
        Rope = new RopeConfig(10_000),
        LocalRope = new RopeConfig(10_000),
        LocalLayers = new bool[layers],
    };
}
