using FastCpt.Engine.Evaluation;

namespace FastCpt.Tests.Engine.Evaluation;

/// <summary>Matrices that the tests share.</summary>
internal static class Transfers
{
    public static readonly IReadOnlyDictionary<string, double> Mono =
        new Dictionary<string, double> { ["a"] = 0.71, ["b"] = 0.73, ["c"] = 0.70, ["d"] = 0.72 };

    /// <summary>The specification's table: T = 4, row 0 is b.</summary>
    public static TransferMatrix Published { get; } = Of(
        [0.02, 0.01, 0.00, 0.03], [0.70, 0.40, 0.20, 0.30], [0.64, 0.72, 0.26, 0.38], [0.50, 0.60, 0.68, 0.34],
        [0.60, 0.66, 0.56, 0.74]);

    /// <param name="rows">From row 0; languages are named a, b, c and so on.</param>
    public static TransferMatrix Of(params double?[][] rows)
    {
        var matrix = new TransferMatrix([.. rows[0].Select((_, i) => $"{(char)('a' + i)}")]);
        for (int step = 0; step < rows.Length; step++)
            for (int j = 0; j < rows[0].Length; j++)
                matrix[step, j + 1] = rows[step][j];
        return matrix;
    }

    /// <summary>Random scores of T languages.</summary>
    public static TransferMatrix Random(int seed, int count)
    {
        var random = new Random(seed);
        return Of([.. Enumerable.Range(0, count + 1)
            .Select(_ => Enumerable.Range(0, count).Select(_ => (double?)random.NextDouble()).ToArray())]);
    }
}
