using System.Diagnostics;
using System.Globalization;
using FastCpt.Bench.Kernels;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times the three products of a layer, as a share of the arithmetic peak of the same moment.</summary>
/// <remarks>
/// F32's peak is measured; that of BF16 pairs is twice as high where there are any. The best of many short runs, each
/// beside a measurement of the peak: the machine may be shared.
/// </remarks>
internal static class ProductTimes
{
    private const int Runs = 30;

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
            foreach (ProductShape shape in Shapes)
                Measure(backend, shape, type);
        return 0;
    }

    private static void Measure(Backend backend, ProductShape shape, DType type)
    {
        using Arena arena = new(backend);
        Tensor x = Filled(type, shape.M, shape.K), w = Filled(type, shape.N, shape.K), y = Filled(type, shape.M, shape.N);
        Tensor dx = Filled(type, shape.M, shape.K), dw = Filled(DType.F32, shape.N, shape.K);
        LinearWeight weight = new(w, Tensor.None, default);
        Action[] products =
        [
            () => backend.Linear(x, weight, y),
            () => backend.LinearBackward(x, weight, y, dx, default),
            () => backend.LinearBackward(x, weight, y, Tensor.None, new LinearGradient { Weight = dw }),
        ];
        double[] best = [double.MaxValue, double.MaxValue, double.MaxValue];
        double peak = 0;
        for (int run = 0; run < Runs; run++)
            for (int product = 0; product < products.Length; product++)
            {
                peak = Math.Max(peak, backend.MeasurePeakFlops());
                long start = Stopwatch.GetTimestamp();
                products[product]();
                best[product] = Math.Min(best[product], Stopwatch.GetElapsedTime(start).TotalSeconds);
            }

        double limit = type == DType.BF16 && backend.InstructionSet == "bf16" ? 2 * peak : peak;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape,-32} {type,-5} y {shape.Flops / best[0] / limit,5:P1}   dx {shape.Flops / best[1] / limit,5:P1}"
            + $"   dw {shape.Flops / best[2] / limit,5:P1} of {limit / 1e9:F0} GFLOP/s"));

        Tensor Filled(DType of, long rows, long cols)
        {
            Tensor tensor = arena.Take(of, new Shape(rows, cols));
            backend.Fill(0.01, tensor);
            return tensor;
        }
    }
}
