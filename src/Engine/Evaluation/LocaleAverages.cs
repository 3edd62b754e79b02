namespace FastCpt.Engine.Evaluation;

/// <summary>A measure of languages over several orders: first the mean of each language, then of them.</summary>
/// <remarks>A language has a place in every order; an order in which its measure is undefined is left out.</remarks>
public static class LocaleAverages
{
    /// <param name="orders">Of the same languages.</param>
    /// <param name="measure">Of the language at a position from 1.</param>
    /// <returns>By locale; undefined where it is in every order.</returns>
    public static IReadOnlyDictionary<string, double?> Of(
        IReadOnlyList<TransferMatrix> orders, Func<TransferMatrix, int, double?> measure)
    {
        var sums = new SortedDictionary<string, (double Sum, int Count)>(StringComparer.Ordinal);
        foreach (TransferMatrix order in orders)
            for (int position = 1; position <= order.Count; position++)
            {
                string locale = order.Locales[position - 1];
                var (sum, count) = sums.GetValueOrDefault(locale);
                sums[locale] = measure(order, position) is { } value ? (sum + value, count + 1) : (sum, count);
            }

        return sums.ToDictionary(
            pair => pair.Key, pair => pair.Value.Count == 0 ? null : (double?)(pair.Value.Sum / pair.Value.Count));
    }

    /// <summary>The mean over the languages that have a value.</summary>
    public static double? MeanOfDefined(IEnumerable<double?> values) =>
        TransferMatrix.Mean(values.Where(value => value is not null));
}
