using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times attention on shapes of real layers, as a share of the arithmetic peak of the same moment.</summary>
/// <remarks>Operations are counted on visible pairs: 4 D forward, 10 D backward (scores are computed again). The best
/// of many short runs, each beside a measurement of the peak: the machine may be shared.</remarks>
internal static class AttentionTimes
{
    private const int Runs = 30;

    private static readonly (string Name, int Batch, int Rows, AttentionShape Shape)[] Layers =
    [
        ("15M Llama", 8, 256, Of(6, 6, 48, AttentionMask.Causal)),
        ("110M Llama", 4, 512, Of(12, 12, 64, AttentionMask.Causal)),
        ("110M Llama, long", 1, 2048, Of(12, 12, 64, AttentionMask.Causal)),
        ("110M Llama, packed", 32, 64, Of(12, 12, 64, AttentionMask.Causal)),
        ("XLM-R base", 32, 64, Of(12, 12, 64, AttentionMask.Bidirectional)),
        ("XLM-R base, short", 64, 24, Of(12, 12, 64, AttentionMask.Bidirectional)),
        ("Llama 1B", 1, 1024, Of(32, 8, 64, AttentionMask.Causal)),
        ("Llama 3B", 1, 1024, Of(24, 8, 128, AttentionMask.Causal)),
        ("Gemma 3 270M global", 1, 512, Of(4, 1, 256, AttentionMask.Causal)),
        ("Gemma 3 270M global", 1, 2048, Of(4, 1, 256, AttentionMask.Causal)),
        ("Gemma 3 270M local", 1, 2048, Of(4, 1, 256, AttentionMask.Window)),
    ];

    /// <param name="arguments">Optionally threads=N and a part of the layers' names.</param>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        int threads = 0;
        string part = "";
        foreach (string argument in arguments)
            if (argument.StartsWith("threads=", StringComparison.Ordinal))
                threads = int.Parse(argument.AsSpan(8), CultureInfo.InvariantCulture);
            else
                part = argument;
        using Backend backend = Backends.Open("cpu", threads);
        foreach (DType type in (ReadOnlySpan<DType>)[DType.F32, DType.BF16])
            foreach (var (name, batch, rows, shape) in Layers)
                if (name.Contains(part, StringComparison.Ordinal))
                    Measure(backend, name, type, batch, rows, shape);
        return 0;
    }

    private static AttentionShape Of(int heads, int keyHeads, int size, AttentionMask mask) =>
        new(heads, keyHeads, size, 1 / MathF.Sqrt(size), mask, Window: 512);

    private static void Measure(Backend backend, string name, DType type, int batch, int rows, AttentionShape shape)
    {
        using Arena arena = new(backend);
        long total = (long)batch * rows, width = (long)shape.Heads * shape.HeadSize;
        long keyWidth = (long)shape.KeyHeads * shape.HeadSize;
        Tensor q = Filled(width), k = Filled(keyWidth), v = Filled(keyWidth), o = Filled(width), dO = Filled(width);
        Tensor dq = Filled(width), dk = Filled(keyWidth), dv = Filled(keyWidth);
        Tensor lse = arena.Take(DType.F32, new Shape(total, shape.Heads));
        Segments segments = Even(backend, arena, batch, rows);
        double peak = 0, forward = double.MaxValue, backward = double.MaxValue;
        for (int run = 0; run < Runs; run++)
        {
            peak = Math.Max(peak, backend.MeasurePeakFlops(type));
            long start = Stopwatch.GetTimestamp();
            backend.Attention(q, k, v, segments, shape, o, lse);
            forward = Math.Min(forward, Stopwatch.GetElapsedTime(start).TotalSeconds);
            start = Stopwatch.GetTimestamp();
            backend.AttentionBackward(q, k, v, segments, shape, o, lse, dO, dq, dk, dv);
            backward = Math.Min(backward, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        double flops = (double)batch * shape.Heads * shape.HeadSize * VisiblePairs(rows, shape);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-20} {batch,2} x {rows,4}, {shape.Heads,2}/{shape.KeyHeads,-2} of {shape.HeadSize,3} {type,-4} "
            + $"forward {forward * 1e3,7:F2} ms {4 * flops / forward / peak,5:P0}   "
            + $"backward {backward * 1e3,7:F2} ms {10 * flops / backward / peak,5:P0}   "
            + $"both {14 * flops / (forward + backward) / peak,5:P0} of {peak / 1e9:F0} GFLOP/s"));

        Tensor Filled(long cols)
        {
            Tensor tensor = arena.Take(type, new Shape(total, cols));
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

    private static double VisiblePairs(int rows, in AttentionShape shape)
    {
        if (shape.Mask == AttentionMask.Bidirectional)
            return (double)rows * rows;
        double pairs = 0;
        for (int row = 0; row < rows; row++)
            pairs += shape.Mask == AttentionMask.Window ? Math.Min(row + 1, shape.Window) : row + 1;
        return pairs;
    }
}
