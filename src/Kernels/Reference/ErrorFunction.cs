namespace FastCpt.Kernels.Reference;

/// <summary>erf and 1 − erf in double, to a few units in the last place of the smaller one.</summary>
internal static class ErrorFunction
{
    private const double SeriesLimit = 1; // Beyond it 1 − erf(x) from the series would lose more than one digit.

    /// <summary>erf(x) = 2/√π ∫₀ˣ exp(−t²) dt.</summary>
    public static double Value(double x) => Math.Abs(x) < SeriesLimit ? Series(x) : 1 - Complement(x);

    /// <summary>1 − erf(x), without cancellation for large x.</summary>
    public static double Complement(double x)
    {
        if (double.IsNaN(x))
            return x;
        if (x < 0)
            return 2 - Complement(-x);
        return x < SeriesLimit ? 1 - Series(x) : Fraction(x);
    }

    /// <summary>2/√π exp(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)): all terms of one sign. Abramowitz and Stegun
    /// 7.1.6.</summary>
    private static double Series(double x)
    {
        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    /// <summary>exp(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))). Abramowitz and Stegun 7.1.14.</summary>
    private static double Fraction(double x)
    {
        const int Terms = 240; // Enough for 1e-17 at x = 1; fewer would do above.
        double tail = x;
        for (int n = Terms; n >= 1; n--)
            tail = x + 0.5 * n / tail;
        return Math.Exp(-x * x) / (Math.Sqrt(Math.PI) * tail);
    }
}
