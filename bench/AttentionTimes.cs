using System.Diagnostics;
using System.Runtime.InteropServices;
using FastCpt.Kernels;
using BatchShape = FastCpt.Bench.Kernels.AttentionBench.BatchShape;

namespace FastCpt.Bench;

/// <summary>Times attention on shapes of real layers, as a share of the arithmetic peak of the same moment.</summary>
/// <remarks>Operations are counted on visible pairs: 4 D forward, 10 D backward (scores are computed again). Prints
/// rows of a table: medians of shares, each of a run and of the peak measured just before it; the best in brackets.
/// Times count once a case has run for a while: methods that short cases call are compiled again after many calls.
/// </remarks>
internal static class AttentionTimes
{
    private const int Runs = 30;
    private const double WarmupSeconds = 0.5;

    private static readonly BatchShape[] Layers =
    [
        new("15M Llama", 8, 256, 6, 6, 48, AttentionMask.Causal),
        new("110M Llama", 4, 512, 12, 12, 64, AttentionMask.Causal),
        new("110M Llama, long", 1, 2048, 12, 12, 64, AttentionMask.Causal),
        new("110M Llama, packed", 32, 64, 12, 12, 64, AttentionMask.Causal),
        new("XLM-R base", 32, 64, 12, 12, 64, AttentionMask.Bidirectional),
        new("XLM-R base, short", 64, 24, 12, 12, 64, AttentionMask.Bidirectional),
        new("Llama 1B", 1, 1024, 32, 8, 64, AttentionMask.Causal),
        new("Llama 3B", 1, 1024, 24, 8, 128, AttentionMask.Causal),
        new("Gemma 3 270M global", 1, 512, 4, 1, 256, AttentionMask.Causal),
        new("Gemma 3 270M global", 1, 2048, 4, 1, 256, AttentionMask.Causal),
        new("Gemma 3 270M local", 1, 2048, 4, 1, 256, AttentionMask.Window, 512),
    ];

    /// <param name="arguments">Optionally threads=N and a part of the layers' names.</param>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        var options = new BenchOptions();
        string part = "";
        foreach (string argument in arguments)
            if (!argument.Contains('='))
                part = argument;
            else if (!BenchOptions.IsNumber(argument, "threads", out _) || !options.Take(argument))
                return BenchOptions.Refuse(argument, "attention [threads=N] [PART OF A NAME]");
        using Backend backend = Backends.Open("cpu", options.Threads);
        Console.WriteLine("| layer | path, type | forward | backward | both |\n|---|---|---|---|---|");
        foreach (DType type in (ReadOnlySpan<DType>)[DType.F32, DType.BF16])
            foreach (BatchShape layer in Layers)
                if (layer.Name.Contains(part, StringComparison.Ordinal))
                    Measure(backend, type, layer);
        return 0;
    }

    private static void Measure(Backend backend, DType type, BatchShape layer)
    {
        using Arena arena = new(backend);
        AttentionShape shape = layer.Attention;
        long width = (long)shape.Heads * shape.HeadSize, keyWidth = (long)shape.KeyHeads * shape.HeadSize;
        Tensor q = Filled(width), k = Filled(keyWidth), v = Filled(keyWidth), o = Filled(width), dO = Filled(width);
        Tensor dq = Filled(width), dk = Filled(keyWidth), dv = Filled(keyWidth);
        Tensor lse = arena.Take(DType.F32, new Shape(layer.Rows, shape.Heads));
        Segments segments = Even(backend, arena, layer.Batch, layer.Length);
        double flops = (double)layer.Batch * width * layer.VisiblePairs;
        SharesOfLimit forward = new(4 * flops), backward = new(10 * flops), both = new(14 * flops);
        long start = Stopwatch.GetTimestamp();
        for (int run = 0; run < Runs;)
        {
            double peak = backend.MeasurePeakFlops(type);
            double first = CaseReport.Time(() => backend.Attention(q, k, v, segments, shape, o, lse));
            double second = CaseReport.Time(
                () => backend.AttentionBackward(q, k, v, segments, shape, o, lse, dO, dq, dk, dv));
            if (Stopwatch.GetElapsedTime(start).TotalSeconds < WarmupSeconds)
                continue;
            run++;
            forward.Add(first, peak);
            backward.Add(second, peak);
            both.Add(first + second, peak);
        }

        Console.WriteLine($"| {layer} | {backend.InstructionSet}, {type} | {forward} | {backward} | {both} |");

        Tensor Filled(long cols)
        {
            Tensor tensor = arena.Take(type, new Shape(layer.Rows, cols));
            backend.Fill(0.01, tensor);
            return tensor;
        }
    }

    private static Segments Even(Backend backend, Arena arena, int batch, int rows)
    {
        int[] bounds = new int[2 * batch];
        for (int i = 0; i < batch; i++)
            (bounds[2 * i], bounds[2 * i + 1]) = (i * rows, (i + 1) * rows);
        Tensor tensor = arena.Take(DType.I32, new Shape(batch, 2));
        backend.Upload(MemoryMarshal.AsBytes<int>(bounds), tensor);
        return new Segments(tensor, rows);
    }
}
