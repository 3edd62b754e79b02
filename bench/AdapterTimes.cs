using System.Diagnostics;
using System.Globalization;
using FastCpt.Bench.Kernels;
using FastCpt.Kernels;

namespace FastCpt.Bench;

/// <summary>Times what an adapter adds to a frozen layer, against what its arithmetic would add.</summary>
/// <remarks>
/// Forward, R(1/K + 1/N) of the frozen product's time. Backward, twice that: dy B, its product with A, dA and dB. With
/// and without take turns, and medians of many short runs are compared: the machine may be shared.
/// </remarks>
internal static class AdapterTimes
{
    private const int Rounds = 41, Rows = 2048;

    private static readonly ProductShape[] Shapes =
    [
        new("q", Rows, 768, 768), new("up", Rows, 2048, 768), new("down", Rows, 768, 2048),
        new("XLM-R up", Rows, 3072, 768), new("4B", Rows, 2560, 2560),
    ];

    private static readonly int[] Ranks = [8, 32, 64, 256];

    /// <param name="type">Of activations, weights and adapters.</param>
    public static int Run(DType type)
    {
        using Backend backend = Backends.Open("cpu");
        foreach (ProductShape shape in Shapes)
            foreach (int rank in Ranks)
                Measure(backend, shape, rank, type);
        return 0;
    }

    private static void Measure(Backend backend, ProductShape shape, int rank, DType type)
    {
        using Arena arena = new(backend);
        Tensor x = Filled(type, shape.M, shape.K), y = Filled(type, shape.M, shape.N);
        Tensor dx = Filled(type, shape.M, shape.K);
        LowRank adapter = new(
            Filled(type, rank, shape.K), Filled(type, shape.N, rank), 2, Filled(type, shape.M, rank));
        LinearWeight frozen = new(Filled(type, shape.N, shape.K)), adapted = frozen with { Adapter = adapter };
        LinearGradient gradient = new(A: Filled(DType.F32, rank, shape.K), B: Filled(DType.F32, shape.N, rank));
        double[] seconds = Medians(
            () => backend.Linear(x, frozen, y),
            () => backend.Linear(x, adapted, y),
            () => backend.LinearBackward(x, frozen, y, dx, default),
            () => backend.LinearBackward(x, adapted, y, dx, gradient));
        double least = rank * (1.0 / shape.K + 1.0 / shape.N);
        double forward = seconds[1] / seconds[0] - 1, backward = seconds[3] / seconds[2] - 1;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape,-24} {type,-5} r {rank,-4} frozen {seconds[0] * 1e3,6:F2} {seconds[2] * 1e3,6:F2} ms   forward "
            + $"+{forward,6:P1} of {least,6:P1}: {forward / least,5:F2}x   backward +{backward,6:P1} of "
            + $"{2 * least,6:P1}: {backward / (2 * least),5:F2}x"));

        Tensor Filled(DType of, long rows, long cols)
        {
            Tensor tensor = arena.Take(of, new Shape(rows, cols));
            backend.Fill(0.01, tensor);
            return tensor;
        }
    }

    private static double[] Medians(params Action[] actions)
    {
        double[][] seconds = [.. actions.Select(_ => new double[Rounds])];
        for (int round = 0; round < Rounds; round++)
            for (int action = 0; action < actions.Length; action++)
            {
                long start = Stopwatch.GetTimestamp();
                actions[action]();
                seconds[action][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

        return [.. seconds.Select(times => times.Order().ElementAt(Rounds / 2))];
    }
}
