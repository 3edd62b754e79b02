using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Kernels.Platform;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Decoders small enough for finite differences, with every feature of their family.</summary>
internal static class TinyModels
{
    public const int Rows = 11;

    public static readonly int[] Ids = [3, 7, 1, 12, 5, 0, 9, 2, 12, 4, 8];
    public static readonly int[] Targets = [7, 1, 12, 5, -1, 9, 2, 12, 4, 8, -1];
    public static readonly int[] Positions = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5];
    public static readonly int[] Bounds = [0, 5, 5, 11];

    public static DecoderConfig Config(Architecture architecture, int layers = 2, bool tied = true) => new()
    {
        Architecture = architecture,
        VocabularySize = 13,
        Width = 12,
        Layers = layers,
        Heads = 4,
        KeyHeads = 2,
        HeadSize = 6,
        InnerWidth = 10,
        MaxPositions = 32,
        NormEpsilon = 1e-6f,
        AttentionScale = 0.4f,
        QueryKeyValueBias = architecture == Architecture.Qwen2,
        QueryKeyNorm = architecture is Architecture.Qwen3 or Architecture.Gemma3,
        TiedHead = tied,
        Rope = architecture == Architecture.Gemma3
            ? new RopeConfig(1e6, RopeScaling.Linear, 8)
            : new RopeConfig(1e4, RopeScaling.Llama3, 8, 1, 4, 16),
        LocalRope = architecture == Architecture.Gemma3
            ? new RopeConfig(1e4)
            : new RopeConfig(1e4, RopeScaling.Llama3, 8, 1, 4, 16),
        Window = architecture == Architecture.Gemma3 ? 3 : 0,
        LocalLayers = [.. Enumerable.Range(0, layers).Select(i => architecture == Architecture.Gemma3 && i % 2 == 0)],
        InitializerRange = 0.5f,
    };

    /// <summary>A model with no value at a special point: norm weights and biases are random too.</summary>
    public static CausalModel Create(DecoderConfig config, Backend backend, DType type, int positions = Rows)
    {
        CausalModel model = ModelFactory.Create(config, backend, type, positions);
        ModelInitializer.Draw(model, seed: 5);
        ulong place = 0;
        foreach (Parameter vector in model.Parameters.All.Where(parameter => parameter.Value.Shape.Rank == 1))
        {
            var values = new double[vector.Value.Length];
            for (int i = 0; i < values.Length; i++)
                values[i] = 0.7 + 0.3 * Philox.Normal(7, RandomStream.Initialization, 1, place++);
            TestTensors.Write(backend, values, vector.Value);
        }

        return model;
    }

    /// <summary>Mean loss over the predicted rows; in a training pass the gradients are pushed back too.</summary>
    public static double Loss(CausalModel model, Tape tape, bool train, bool recompute = false)
    {
        if (train)
            tape.BeginTraining(recompute);
        else
            tape.BeginInference();
        int predicted = Targets.Count(target => target >= 0);
        ModelInputs inputs = ModelInputs.Upload(tape, Ids, Positions, Bounds, Targets);
        DType type = model.Parameters.Type == DType.F64 ? DType.F64 : DType.F32;
        Tensor losses = tape.Take(type, new Shape(Rows));
        model.Losses(tape, inputs, 1f / predicted, losses);
        double sum = TestTensors.Read(model.Backend, losses).Sum();
        if (train)
            tape.Backward();
        return sum / predicted;
    }
}
