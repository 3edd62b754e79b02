using static FastCpt.Engine.Evaluation.TransferMatrix;

namespace FastCpt.Engine.Evaluation;

/// <summary>Averages, transfer and forgetting of a sequence of languages, read from R; null is undefined.</summary>
/// <remarks>
/// T languages, R[i, j], b_j = R[0, j]. CFT and CBT are those of Winata et al. 2023; BWT and FWT of Lopez-Paz and
/// Ranzato 2017; forgetting of Chaudhry et al. 2018; running forgetting of M'hamdi et al. 2023.
/// </remarks>
public sealed class ContinualMetrics(TransferMatrix r)
{
    private int T => r.Count;

    /// <summary>ACC = mean_j R[T, j].</summary>
    public double? FinalAverage => AllAverage(T);

    /// <summary>mean_i S_i, the average incremental score.</summary>
    public double? MeanSeenAverage => Mean(Range(1, T).Select(SeenAverage));

    /// <summary>CFT = mean of X_i over i from 1 to T − 1.</summary>
    public double? Cft => Mean(Range(1, T - 1).Select(CftAt));

    /// <summary>CBT = mean over j &lt; T of R[T, j] − R[j, j]; negative is forgetting. The same as BWT.</summary>
    public double? Cbt => CbtAt(T);

    /// <summary>BWT, which has the formula of <see cref="Cbt"/>.</summary>
    public double? Bwt => Cbt;

    /// <summary>FWT = mean over j ≥ 2 of R[j − 1, j] − b_j.</summary>
    public double? Fwt => Mean(Range(2, T).Select(j => r[j - 1, j] - r[0, j]));

    /// <summary>F = mean over j &lt; T of max R[l, j] − R[T, j], l from j to T − 1.</summary>
    public double? Forgetting => ForgettingFrom(j => j);

    /// <summary>The variant of <see cref="Forgetting"/> in which l is from 1.</summary>
    public double? ForgettingFromTheStart => ForgettingFrom(_ => 1);

    /// <summary>Mean over i ≥ 2 of the mean over j &lt; i of max over l &lt; i of R[l, j] − R[i, j].</summary>
    public double? RunningForgetting =>
        Mean(Range(2, T).Select(i => Mean(Range(1, i - 1).Select(j => Best(1, i - 1, j) - r[i, j]))));

    /// <summary>S_i = mean over j ≤ i of R[i, j].</summary>
    public double? SeenAverage(int step) => Mean(Range(1, step).Select(j => r[step, j]));

    /// <summary>Mean over all j of R[i, j].</summary>
    public double? AllAverage(int step) => Mean(Range(1, T).Select(j => r[step, j]));

    /// <summary>X_i = mean over j &gt; i of R[i, j]: the score on languages that are not learned yet.</summary>
    public double? CftAt(int step) => Mean(Range(step + 1, T).Select(j => r[step, j]));

    /// <summary>CBT_i = mean over j &lt; i of R[i, j] − R[j, j].</summary>
    public double? CbtAt(int step) => Mean(Range(1, step - 1).Select(j => r[step, j] - r.Diagonal(j)));

    /// <summary>Mean over j ≥ 2 of R[j, j] − MONO_j.</summary>
    /// <param name="mono">The score of a model of each language alone, by locale.</param>
    public double? TransferAgainst(IReadOnlyDictionary<string, double> mono) =>
        Mean(Range(2, T).Select(j => r.Diagonal(j) - Score(mono, j)));

    /// <summary>Mean over j of MULTI_j − R[j, j].</summary>
    /// <param name="multi">The scores of the model of all languages, by locale.</param>
    public double? Intransigence(IReadOnlyDictionary<string, double> multi) =>
        Mean(Range(1, T).Select(j => Score(multi, j) - r.Diagonal(j)));

    private double? ForgettingFrom(Func<int, int> first) =>
        Mean(Range(1, T - 1).Select(j => Best(first(j), T - 1, j) - r[T, j]));

    /// <summary>The best score of a language over steps; undefined where one of them is.</summary>
    private double? Best(int first, int last, int position)
    {
        double? best = r[first, position];
        for (int step = first + 1; step <= last; step++)
            best = best is null || r[step, position] is null
                ? null
                : Math.Max(best.Value, r[step, position]!.Value);       // not null: looked at just before
        return best;
    }

    private double? Score(IReadOnlyDictionary<string, double> scores, int position) =>
        scores.TryGetValue(r.Locales[position - 1], out double score) ? score : null;
}
