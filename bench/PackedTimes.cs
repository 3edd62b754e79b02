using System.Globalization;
using FastCpt.Bench.Kernels;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times products of frozen weights that are packed once beside products that pack them.</summary>
/// <remarks>A call goes through as many layers as keep the weights out of the caches, as in a model. Both ways take
/// turns; medians are compared.</remarks>
internal static class PackedTimes
{
    private const int Rounds = 15;

    private const long WeightBytes = 64L << 20;

    private static readonly int[] Rows = [64, 96, 128, 256, 512, 1024, 2048];

    private static readonly (int N, int K)[] Shapes = [(768, 768), (3072, 768), (768, 3072)];

    /// <param name="type">Of activations and weights.</param>
    public static int Run(DType type)
    {
        using Backend backend = Backends.Open("cpu");
        double limit = backend.MeasurePeakFlops(type);
        Console.WriteLine("| product | y: of peak, packed, by packing | dx: of peak, packed, by packing |");
        Console.WriteLine("|---|---|---|");
        foreach ((int n, int k) in Shapes)
            foreach (int rows in Rows)
                Measure(backend, new ProductShape("XLM-R", rows, n, k), type, limit);
        return 0;
    }

    private static void Measure(Backend backend, ProductShape shape, DType type, double limit)
    {
        using Arena arena = new(backend);
        int layers = (int)(WeightBytes / ((long)shape.N * shape.K * type.Size()));
        Tensor x = Filled(type, shape.M, shape.K), y = Filled(type, shape.M, shape.N);
        Tensor dx = Filled(type, shape.M, shape.K);
        LinearWeight[] plain =
            [.. Enumerable.Range(0, layers).Select(_ => new LinearWeight(Filled(type, shape.N, shape.K)))];
        LinearWeight[] packed = [.. plain.Select(w => w with { Packed = PackedOf(w.Weight) })];
        string forward = Compare(w => backend.Linear(x, w, y));
        string backward = Compare(w => backend.LinearBackward(x, w, y, dx, default));
        Console.WriteLine($"| {shape}, {type} | {forward} | {backward} |");

        string Compare(Action<LinearWeight> product)
        {
            List<double> without = [], with = [];
            for (int round = -1; round < Rounds; round++)
            {
                double first = CaseReport.Time(() => Array.ForEach(plain, product));
                double second = CaseReport.Time(() => Array.ForEach(packed, product));
                if (round < 0)
                    continue;
                without.Add(first);
                with.Add(second);
            }

            double a = CaseReport.Median(without), b = CaseReport.Median(with), least = shape.Flops * layers / limit;
            return string.Create(CultureInfo.InvariantCulture, $"{least / a:P0}, {least / b:P0}, {b / a:F3}");
        }

        PackedWeight PackedOf(Tensor w) => new(Copy(w, WeightSide.Forward), Copy(w, WeightSide.Backward));

        Tensor Copy(Tensor w, WeightSide side)
        {
            Tensor copy = arena.Take(DType.F32, new Shape(backend.PackedFloats(w, side)));
            backend.PackWeight(w, side, copy);
            return copy;
        }

        Tensor Filled(DType of, long rows, long cols)
        {
            Tensor tensor = arena.Take(of, new Shape(rows, cols));
            backend.Fill(0.01, tensor);
            return tensor;
        }
    }
}
