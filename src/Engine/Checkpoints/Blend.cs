namespace FastCpt.Engine.Checkpoints;

/// <summary>How one stored tensor is made from those of several models: Σ weight · input / divisor.</summary>
/// <remarks>
/// The sum is in double, in the order of the terms, and rounded once to the stored type. The divisor stands apart so
/// that a mean is the rounded quotient of the sum: 1/5 is not a double, and products with it would miss ties.
/// </remarks>
public sealed record Blend
{
    /// <param name="terms">Inputs by index and what each is multiplied by; those of weight 0 are left out.</param>
    public Blend(IEnumerable<(int Input, double Weight)> terms, double divisor = 1)
    {
        Terms = [.. terms.Where(term => term.Weight != 0)];
        Divisor = divisor;
        if (Terms.Count == 0 || !double.IsNormal(divisor) || Terms.Any(term => !double.IsFinite(term.Weight)))
            throw new ArgumentException("A blend has a term, finite weights and a divisor not 0.", nameof(terms));
        if (Terms.DistinctBy(term => term.Input).Count() < Terms.Count)
            throw new ArgumentException("A blend has one term of an input.", nameof(terms));
    }

    public IReadOnlyList<(int Input, double Weight)> Terms { get; }

    public double Divisor { get; }

    /// <summary>The input that the tensor is an exact copy of, byte for byte; null if it is computed.</summary>
    public int? CopyOf => Terms.Count == 1 && Terms[0].Weight == Divisor ? Terms[0].Input : null;

    /// <summary>The bytes of one input.</summary>
    public static Blend Copy(int input) => new([(input, 1)]);

    /// <summary>(1 − alpha) · from + alpha · to; at 0 and 1 the bytes of one of them.</summary>
    public static Blend Between(int from, int to, double alpha) => new([(from, 1 - alpha), (to, alpha)]);

    /// <summary>The mean of inputs that follow one another.</summary>
    public static Blend Mean(int first, int count) =>
        new(Enumerable.Range(first, count).Select(input => (input, 1.0)), count);
}
