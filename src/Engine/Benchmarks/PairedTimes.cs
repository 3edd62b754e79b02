namespace FastCpt.Engine.Benchmarks;

/// <summary>Times of two programs taken in turn, so that what the machine does meanwhile meets both.</summary>
/// <param name="Base">Seconds a call.</param>
/// <param name="Head">Seconds a call, of the same pairs.</param>
public sealed record PairedTimes(IReadOnlyList<double> Base, IReadOnlyList<double> Head)
{
    private const int Resamples = 2000;
    private const double LeastGap = 0.02, Outside = 0.025, LeastPart = 0.25;

    /// <summary>Median over pairs of head by base: above 1, head is slower.</summary>
    public double Ratio => Median(Ratios());

    public double BaseMedian => Median([.. Base]);

    public double HeadMedian => Median([.. Head]);

    /// <summary>95 % percentile interval of <see cref="Ratio"/>, by resampling pairs. Efron 1979.</summary>
    /// <param name="seed">The same seed gives the same interval.</param>
    public (double Low, double High) Interval(int seed = 1)
    {
        double[] ratios = Ratios(), drawn = new double[ratios.Length], medians = new double[Resamples];
        var random = new Random(seed);
        for (int sample = 0; sample < Resamples; sample++)
        {
            for (int i = 0; i < drawn.Length; i++)
                drawn[i] = ratios[random.Next(ratios.Length)];
            medians[sample] = Median(drawn);
        }

        Array.Sort(medians);
        return (medians[(int)(Outside * Resamples)], medians[(int)((1 - Outside) * Resamples) - 1]);
    }

    /// <summary>Probability of head ranking so far above base, were they alike: one-sided, by the normal
    /// approximation with ties and continuity corrected. Mann and Whitney 1947.</summary>
    public double SlowerByChance()
    {
        (double Value, bool IsHead)[] all =
            [.. Base.Select(value => (value, false)), .. Head.Select(value => (value, true))];
        Array.Sort(all, (a, b) => a.Value.CompareTo(b.Value));
        double rankSum = 0, ties = 0;
        for (int first = 0, next; first < all.Length; first = next)
        {
            for (next = first + 1; next < all.Length && all[next].Value == all[first].Value;)
                next++;
            double rank = (first + 1 + next) / 2.0, alike = next - first;
            ties += alike * (alike * alike - 1);
            for (int i = first; i < next; i++)
                rankSum += all[i].IsHead ? rank : 0;
        }

        double n = Base.Count, m = Head.Count, total = n + m;
        double u = rankSum - m * (m + 1) / 2;
        double variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)));
        return variance > 0 ? 1 - Normal((u - n * m / 2 - 0.5) / Math.Sqrt(variance)) : 1;
    }

    /// <summary>Whether the ratios of pairs fall into groups with nothing between them: the two programs met a machine
    /// in two states, and a median says nothing. A state that both of a pair are in leaves their ratio.</summary>
    public bool HasSeveralPeaks => FallsApart(Ratios());

    private static bool FallsApart(double[] values)
    {
        Array.Sort(values);
        int least = (int)Math.Ceiling(LeastPart * values.Length);
        for (int split = Math.Max(least, 1); split <= values.Length - least && split < values.Length; split++)
        {
            double gap = values[split] - values[split - 1];
            if (gap > values[split - 1] - values[0] && gap > values[^1] - values[split] && gap > LeastGap * values[0])
                return true;
        }

        return false;
    }

    private double[] Ratios() => [.. Base.Zip(Head, (one, other) => other / one)];

    private static double Median(double[] values)
    {
        double[] sorted = [.. values];
        Array.Sort(sorted);
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>Abramowitz and Stegun 1964, 26.2.17: within 7.5e-8.</summary>
    private static double Normal(double z)
    {
        if (z < 0)
            return 1 - Normal(-z);
        double t = 1 / (1 + 0.2316419 * z);
        double tail = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        return 1 - Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI) * tail;
    }
}
