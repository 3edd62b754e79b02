using FastCpt.Bench.Kernels;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times the three products of a layer, as a share of the arithmetic peak of the same moment.</summary>
/// <remarks>Prints rows of a table: medians of shares, each of a call and of the type's own peak measured just before
/// it; the best in brackets.</remarks>
internal static class ProductTimes
{
    private const int Warmup = 3, Runs = 25;

    private static readonly ProductShape[] Shapes =
    [
        new("15M q", 2048, 288, 288), new("15M up", 2048, 768, 288), new("15M down", 2048, 288, 768),
        new("110M q", 2048, 768, 768), new("110M up", 2048, 2048, 768), new("110M down", 2048, 768, 2048),
        new("XLM-R up", 2048, 3072, 768), new("XLM-R down", 2048, 768, 3072), new("wide", 2048, 3072, 3072),
    ];

    public static int Run(int threads)
    {
        using Backend backend = Backends.Open("cpu", threads);
        Console.WriteLine("| product | path, type | y | dx | dw |\n|---|---|---|---|---|");
        foreach (DType type in (ReadOnlySpan<DType>)[DType.F32, DType.BF16])
            Measure(backend, type);
        return 0;
    }

    private static void Measure(Backend backend, DType type)
    {
        using Arena arena = new(backend);
        Action[][] products = [.. Shapes.Select(shape => ProductsOf(backend, arena, shape, type))];
        SharesOfLimit[][] shares = [.. Shapes.Zip(products, (shape, calls) =>
            calls.Select(_ => new SharesOfLimit(shape.Flops)).ToArray())];
        // Shapes take turns, so that a busy second of the machine's does not fall on one of them alone.
        for (int run = 0; run < Warmup + Runs; run++)
            for (int shape = 0; shape < Shapes.Length; shape++)
                for (int product = 0; product < products[shape].Length; product++)
                {
                    double limit = backend.MeasurePeakFlops(type), seconds = CaseReport.Time(products[shape][product]);
                    if (run >= Warmup)
                        shares[shape][product].Add(seconds, limit);
                }

        foreach (var (shape, of) in Shapes.Zip(shares))
            Console.WriteLine($"| {shape} | {backend.InstructionSet}, {type} | {of[0]} | {of[1]} | {of[2]} |");
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
