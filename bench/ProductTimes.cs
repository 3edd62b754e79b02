using System.Diagnostics;
using System.Globalization;
using FastCpt.Bench.Kernels;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times the three products of a layer, as a share of the arithmetic peak of the same moment.</summary>
/// <remarks>
/// The best of many short runs, each round beside a measurement of the type's own peak: the machine may be shared.
/// </remarks>
internal static class ProductTimes
{
    private const int Runs = 25;

    private static readonly ProductShape[] Shapes =
    [
        new("15M q", 2048, 288, 288), new("15M up", 2048, 768, 288), new("15M down", 2048, 288, 768),
        new("110M q", 2048, 768, 768), new("110M up", 2048, 2048, 768), new("110M down", 2048, 768, 2048),
        new("XLM-R up", 2048, 3072, 768), new("XLM-R down", 2048, 768, 3072), new("wide", 2048, 3072, 3072),
    ];

    public static int Run(int threads)
    {
        using Backend backend = Backends.Open("cpu", threads);
        foreach (DType type in (ReadOnlySpan<DType>)[DType.F32, DType.BF16])
            Measure(backend, type);
        return 0;
    }

    private static void Measure(Backend backend, DType type)
    {
        using Arena arena = new(backend);
        Action[][] products = [.. Shapes.Select(shape => ProductsOf(backend, arena, shape, type))];
        double[][] best = [.. Shapes.Select(_ => new[] { double.MaxValue, double.MaxValue, double.MaxValue })];
        double limit = 0;
        // Shapes take turns, so that a busy second of the machine's does not fall on one of them alone.
        for (int run = 0; run < Runs; run++)
        {
            limit = Math.Max(limit, backend.MeasurePeakFlops(type));
            for (int shape = 0; shape < Shapes.Length; shape++)
                for (int product = 0; product < products[shape].Length; product++)
                {
                    long start = Stopwatch.GetTimestamp();
                    products[shape][product]();
                    double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                    best[shape][product] = Math.Min(best[shape][product], seconds);
                }
        }

        foreach (var (shape, seconds) in Shapes.Zip(best))
        {
            string[] shares = [.. seconds.Select(
                s => (shape.Flops / s / limit).ToString("P1", CultureInfo.InvariantCulture))];
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{shape,-32} {type,-5} y {shares[0]}   dx {shares[1]}   dw {shares[2]} of {limit / 1e9:F0} GFLOP/s"));
        }
    }

    private static Action[] ProductsOf(Backend backend, Arena arena, ProductShape shape, DType type)
    {
        Tensor x = Filled(type, shape.M, shape.K), y = Filled(type, shape.M, shape.N);
        Tensor w = Filled(type, shape.N, shape.K);
        Tensor dx = Filled(type, shape.M, shape.K), dw = Filled(DType.F32, shape.N, shape.K);
        LinearWeight weight = new(w);
        return
        [
            () => backend.Linear(x, weight, y),
            () => backend.LinearBackward(x, weight, y, dx, default),
            () => backend.LinearBackward(x, weight, y, Tensor.None, new LinearGradient(dw)),
        ];

        Tensor Filled(DType of, long rows, long cols)
        {
            Tensor tensor = arena.Take(of, new Shape(rows, cols));
            backend.Fill(0.01, tensor);
            return tensor;
        }
    }
}
