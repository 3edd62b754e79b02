using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times an update of the 110M shape's 100 million parameters: norm with pull, clipping, AdamW with pull.
/// </summary>
/// <remarks>Least traffic of a parameter: 12 bytes for the norm and 32 for the update, two less each where the anchor
/// is BF16, two more where the model is.</remarks>
internal static class UpdateTimes
{
    private const int Warmup = 2;

    /// <param name="arguments">bf16 (a working copy beside F32 masters), anchor=bf16, steps=N, threads=N.</param>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        DType type = DType.F32, anchor = DType.F32;
        var options = new BenchOptions(steps: 9);
        foreach (string argument in arguments)
        {
            if (argument == "bf16")
                type = DType.BF16;
            else if (argument == "anchor=bf16")
                anchor = DType.BF16;
            else if (!options.Take(argument))
                return BenchOptions.Refuse(argument, "update [bf16] [anchor=bf16] [steps=N] [threads=N]");
        }

        Measure(type, anchor, options.Steps, options.Threads);
        return 0;
    }

    private static void Measure(DType type, DType anchorType, int steps, int threads)
    {
        using Backend backend = Backends.Open("cpu", threads);
        using CausalModel model = DecoderStep.Model(backend, "110m", type);
        ModelInitializer.Draw(model, seed: 1);
        model.Parameters.Train(_ => true);
        using Arena anchors = new(backend);
        using var optimizer = new AdamW(model.Parameters, new AdamWSettings(), parameter =>
        {
            Tensor anchor = anchors.Take(anchorType, parameter.Value.Shape);
            backend.Convert(parameter.Value, anchor);
            return new Pull(anchor, 2e-3f);
        });
        long count = 0;
        foreach (Parameter parameter in model.Parameters.Trained)
        {
            backend.Fill(1e-3, parameter.Gradient);
            count += parameter.Value.Shape.Length;
        }

        var (seconds, shares) = (new List<double>(), new List<double>());
        long memory = 0, bytes = (12 + 32 - (anchorType == DType.BF16 ? 4 : 0) + (type == DType.BF16 ? 2 : 0)) * count;
        for (int step = 1; step <= Warmup + steps; step++)
        {
            int update = step;
            double time = CaseReport.Time(() => optimizer.Update(optimizer.GradientNorm(), 1e-4, update));
            memory = memory == 0 ? CaseReport.MemoryNow() : memory; // before the first copy, which takes some
            if (step <= Warmup)
                continue;
            seconds.Add(time);
            shares.Add(bytes / time / backend.MeasureCopyBytes());
        }

        new CaseReport(
            $"clip, AdamW, L2-SP, {(type == DType.BF16 ? "BF16 copy, " : "")}{anchorType} anchor", seconds,
            CaseReport.Median(shares), "copy", memory)
            .Print(backend, json => json.WriteNumber("parameters", count));
    }
}
