using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Tiny models, adapters at their blocks with no value at a special point, and passes of sentences.</summary>
internal static class BlockScene
{
    public const string Bottleneck = "bottleneck", Fusion = "fusion", Prefix = "prefix";

    public static Model Model(string kind, Backend backend, DType type)
    {
        if (kind != "xlm-roberta")
            return TinyModels.Create(
                TinyModels.Config(kind == "llama" ? Architecture.Llama : Architecture.Gemma3), backend, type);
        var model = new XlmRoberta(
            new EncoderConfig
            {
                VocabularySize = 13, Width = 12, Layers = 2, Heads = 3, InnerWidth = 20, MaxPositions = 20,
                NormEpsilon = 1e-5f, HasMaskedHead = true, InitializerRange = 0.4f, HiddenDropout = 0.1f,
                AttentionDropout = 0.2f,
            },
            backend, type, 11);
        ModelInitializer.Draw(model, seed: 5);
        model.Parameters.Train(_ => false);
        return model;
    }

    /// <summary>Adapters that have been trained a little: every value is random.</summary>
    /// <param name="number">What values are drawn from.</param>
    public static BlockAdapters Trained(Model model, string kind, int number)
    {
        BlockAdapters adapters = kind switch
        {
            Bottleneck => BlockAdapters.Create(model, new BottleneckSettings { Width = 3 }),
            Prefix => BlockAdapters.Create(model, new PrefixSettings { Length = 2 + number % 3 }),
            _ => BlockAdapters.Create(
                model, new FusionSettings { Adapters = [("de-DE", 3), ("th-TH", 5), ("ja-JP", 1)] }),
        };
        foreach (Parameter parameter in adapters.Parameters.All)
            RandomValues.Normal(parameter, model.Backend, (ulong)number, deviation: 0.4f);
        return adapters;
    }

    /// <summary>A training pass over sentences; its losses.</summary>
    public static double[] Pass(
        Model model, Tape tape, Learner.Batch batch, bool recompute = false, bool pushBack = true, long update = 3)
    {
        tape.BeginTraining(recompute, seed: 77, update);
        Tensor losses = tape.Take(
            model.Parameters.Type == DType.F64 ? DType.F64 : DType.F32, new Shape(batch.Ids.Count));
        model.Losses(tape, Upload(tape, batch) with { Adapters = batch.Rows }, gradientScale: 0.1f, losses);
        double[] values = TestTensors.Read(model.Backend, losses);
        if (pushBack)
            tape.Backward();
        return values;
    }

    /// <summary>Last activations of a batch in a pass without gradients: [M, C].</summary>
    public static double[] Hidden(Model model, Tape tape, Learner.Batch batch, bool withRows)
    {
        tape.BeginInference();
        ModelInputs inputs = Upload(tape, batch) with { Adapters = withRows ? batch.Rows : null };
        return TestTensors.Read(model.Backend, model.Hidden(tape, inputs).Value);
    }

    /// <summary>Sentences of a learner: a function of its number and the step alone.</summary>
    public static void AddSentences(Learner.Batch batch, int number, int place, int step)
    {
        long start = batch.Ids.Count;
        int[] lengths = [1 + (number + step) % 4, 5, 2 + number % 3];
        for (int sentence = 0; sentence < lengths.Length; sentence++)
        {
            batch.Bounds.AddRange([batch.Ids.Count, batch.Ids.Count + lengths[sentence]]);
            long sample = 1000 * number + 10 * step + sentence;
            for (int i = 0; i < lengths[sentence]; i++)
            {
                batch.Ids.Add(2 + (int)((sample + 7 * i * i) % 11));
                batch.Targets.Add((int)((sample + 3 * i) % 13));
                batch.Positions.Add(i);
                batch.Keys.Add((sample << 20) + i);
            }
        }

        batch.Rows.Add(place, new RowRange(start, batch.Ids.Count - start));
    }

    private static ModelInputs Upload(Tape tape, Learner.Batch batch) => ModelInputs.Upload(
        tape, batch.Ids.ToArray(), batch.Positions.ToArray(), batch.Bounds.ToArray(), batch.Targets.ToArray(),
        batch.Keys.ToArray());
}
