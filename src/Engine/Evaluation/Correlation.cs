namespace FastCpt.Engine.Evaluation;

/// <summary>How two measures of the same languages go together.</summary>
/// <remarks>
/// A language that lacks one of the two is left out. Undefined, null, with fewer than two languages or where a measure
/// is the same for all.
/// </remarks>
public static class Correlation
{
    /// <summary>Pearson's r: covariance over the product of standard deviations.</summary>
    public static double? Pearson(IReadOnlyList<double?> x, IReadOnlyList<double?> y)
    {
        (double[] xs, double[] ys) = Complete(x, y);
        return Of(xs, ys);
    }

    /// <summary>Spearman's ρ: Pearson's r of the ranks; equal values share the mean of theirs.</summary>
    public static double? Spearman(IReadOnlyList<double?> x, IReadOnlyList<double?> y)
    {
        (double[] xs, double[] ys) = Complete(x, y);
        return Of(Ranks(xs), Ranks(ys));
    }

    /// <summary>The mean of a measure by group, such as script, over the languages that have it.</summary>
    /// <returns>Groups in ordinal order; undefined where none of its languages has the measure.</returns>
    public static IReadOnlyList<(string Group, int Count, double? Mean)> GroupMeans(
        IReadOnlyList<string> groups, IReadOnlyList<double?> values)
    {
        RequireSameLength(groups.Count, values.Count);
        return
        [
            .. groups.Zip(values).GroupBy(pair => pair.First, pair => pair.Second)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => (
                    group.Key, group.Count(value => value is not null), LocaleAverages.MeanOfDefined(group))),
        ];
    }

    private static (double[] X, double[] Y) Complete(IReadOnlyList<double?> x, IReadOnlyList<double?> y)
    {
        RequireSameLength(x.Count, y.Count);
        int[] complete = [.. Enumerable.Range(0, x.Count).Where(i => x[i] is not null && y[i] is not null)];
        return ([.. complete.Select(i => x[i]!.Value)], [.. complete.Select(i => y[i]!.Value)]);   // not null: complete
    }

    private static double? Of(double[] x, double[] y)
    {
        if (x.Length < 2)
            return null;
        double xMean = x.Average(), yMean = y.Average(), xx = 0, yy = 0, xy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double dx = x[i] - xMean, dy = y[i] - yMean;
            (xx, yy, xy) = (xx + (dx * dx), yy + (dy * dy), xy + (dx * dy));
        }

        // Equal values may differ from their mean by a rounding.
        bool isConstant = Array.TrueForAll(x, value => value == x[0]) || Array.TrueForAll(y, value => value == y[0]);
        return isConstant ? null : Math.Clamp(xy / Math.Sqrt(xx) / Math.Sqrt(yy), -1, 1);
    }

    private static double[] Ranks(double[] values)
    {
        int[] order = [.. Enumerable.Range(0, values.Length).OrderBy(i => values[i])];
        var ranks = new double[values.Length];
        for (int first = 0, next; first < order.Length; first = next)
        {
            next = first + 1;
            while (next < order.Length && values[order[next]] == values[order[first]])
                next++;
            for (int i = first; i < next; i++)
                ranks[order[i]] = (first + next - 1) / 2.0;
        }

        return ranks;
    }

    private static void RequireSameLength(int first, int second)
    {
        if (first != second)
            throw new ArgumentException($"{first} and {second} values; expected as many.");
    }
}
