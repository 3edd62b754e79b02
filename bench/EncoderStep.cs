using System.Runtime.InteropServices;
using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>A step of XLM-R's base shape that labels every token; adapters and the head train.</summary>
internal sealed class EncoderStep : TrainingStep
{
    public const string Size = "xlmr";

    private readonly XlmRoberta _model;
    private readonly TokenClassifier _head;
    private readonly Lora _lora;
    private readonly PackedWeights? _packed;
    private readonly Tape _tape;
    private readonly TokenLosses _losses;
    private readonly AdamW[] _optimizers;
    private readonly Sentences[] _batches;
    private readonly bool _recompute;
    private readonly ClassifierGroup[] _groups = new ClassifierGroup[1];
    private Sentences _last;
    private long _update;

    /// <summary>Packed sentences, without dropout, which the peer does not have.</summary>
    private sealed record Sentences(int[] Ids, int[] Targets, int[] Positions, int[] Bounds);

    /// <param name="lengths">Of the sentences of every batch; batches take turns.</param>
    /// <param name="packs">Whether frozen weights are packed once, as a run does.</param>
    public EncoderStep(
        Backend backend, DType type, bool recompute, LoraSettings lora, int[][] lengths, bool packs)
    {
        const int Labels = 111;
        _recompute = recompute;
        _model = new XlmRoberta(Shape, backend, type, Shape.LongestSegment);
        DrawQuickly(_model);
        _head = new TokenClassifier(backend, type, Shape.Width, Labels);
        _head.Draw(seed: 1, Shape.InitializerRange);
        _head.Parameters.Train(_ => true);
        _lora = Lora.Attach(_model, lora);
        int rows = lengths.Max(batch => batch.Sum());
        _packed = packs ? new PackedWeights(_model.Parameters, _model.Linears, rows) : null;
        _tape = new Tape(backend);
        _losses = new TokenLosses(backend, rows);
        _optimizers = [.. new[] { _lora.Parameters, _head.Parameters }
            .Select(trained => new AdamW(trained, new AdamWSettings(), _ => default))];
        var random = new Random(1);
        _batches = [.. lengths.Select(Draw)];
        _last = _batches[0];

        Sentences Draw(int[] batch) => new(
            [.. Enumerable.Range(0, batch.Sum()).Select(_ => random.Next(Shape.VocabularySize))],
            [.. Enumerable.Range(0, batch.Sum()).Select(_ => random.Next(Labels))],
            [.. batch.SelectMany(length => Enumerable.Range(0, length))],
            [.. batch.SelectMany((length, i) => new[] { batch.Take(i).Sum(), batch.Take(i).Sum() + length })]);
    }

    public override int Tokens => _last.Ids.Length;

    public override double Flops => _tape.ProductFlops + FlopCount.Attention(_model.Config, _last.Bounds);

    private static EncoderConfig Shape { get; } = new()
    {
        VocabularySize = 250_002,
        Width = 768,
        Layers = 12,
        Heads = 12,
        InnerWidth = 3072,
        MaxPositions = 514,
        NormEpsilon = 1e-5f,
        PadToken = 1,
    };

    public override double Run()
    {
        _last = _batches[_update % _batches.Length];
        _lora.Parameters.ClearGradients();
        _head.Parameters.ClearGradients();
        _tape.BeginTraining(_recompute);
        ModelInputs inputs = ModelInputs.Upload(_tape, _last.Ids, _last.Positions, _last.Bounds, _last.Targets);
        _groups[0] = new ClassifierGroup(_head, new RowRange(0, Tokens), 1f / Tokens);
        TokenClassifier.Losses(_tape, _model, inputs, _groups, dropout: 0, _losses.For(Tokens));
        _tape.Backward();
        double norm = Math.Sqrt(_optimizers.Sum(optimizer => Math.Pow(optimizer.GradientNorm(), 2)));
        _update++;
        foreach (AdamW optimizer in _optimizers)
            optimizer.Update(norm, 1e-4, _update);
        return _losses.Sum(Tokens) / Tokens;
    }

    /// <summary>Like an initializer, but no element of the large tables is drawn for itself.</summary>
    private static void DrawQuickly(XlmRoberta model)
    {
        var random = new Random(1);
        Backend backend = model.Backend;
        using DeviceBuffer memory = backend.Allocate(Shape.Width * Shape.Width * sizeof(float));
        Tensor drawn = memory.At(0, DType.F32, new Shape(Shape.Width, Shape.Width));
        var values = new float[Shape.Width * Shape.Width];
        for (int i = 0; i < values.Length; i++)
            values[i] = (random.NextSingle() - 0.5f) * 2 * MathF.Sqrt(3) * Shape.InitializerRange;
        backend.Upload(MemoryMarshal.AsBytes<float>(values), drawn);
        foreach (Parameter parameter in model.Parameters.All)
            if (parameter.Value.Shape.Rank == 1)
                backend.Fill(parameter.Name.EndsWith("Norm.weight", StringComparison.Ordinal) ? 1 : 0, parameter.Value);
            else
                FillWith(parameter.Value.Reshape(new Shape(parameter.Value.Length / Shape.Width, Shape.Width)));

        void FillWith(Tensor rows)
        {
            for (long row = 0; row < rows.Rows; row += drawn.Rows)
            {
                Tensor part = rows.Slice(row, Math.Min(drawn.Rows, rows.Rows - row));
                backend.Convert(drawn.Slice(0, part.Rows), part);
            }
        }
    }

    public override void Dispose()
    {
        foreach (AdamW optimizer in _optimizers)
            optimizer.Dispose();
        _losses.Dispose();
        _tape.Dispose();
        _packed?.Dispose();
        _lora.Dispose();
        _head.Dispose();
        _model.Dispose();
    }
}
