using FastCpt.Engine.Data.Massive;

namespace FastCpt.Engine.Evaluation;

/// <summary>How much of their pieces two languages share; V is the set of pieces that occur in training.</summary>
/// <remarks>Undefined, null, where it would divide by zero.</remarks>
public static class VocabularyOverlap
{
    /// <summary>|Va ∩ Vb| / |Va ∪ Vb|.</summary>
    public static double? Jaccard(PieceCounts a, PieceCounts b)
    {
        int both = Common(a, b).Count();
        return Share(both, a.CountOf.Count + b.CountOf.Count - both);
    }

    /// <summary>|Va ∩ Vb| / |Vb|: how many pieces of b a language that knows a has met.</summary>
    public static double? Coverage(PieceCounts a, PieceCounts b) => Share(Common(a, b).Count(), b.CountOf.Count);

    /// <summary>The share of b's running text that is made of pieces of a.</summary>
    public static double? WeightedCoverage(PieceCounts a, PieceCounts b) =>
        Share(Common(a, b).Sum(piece => b.CountOf[piece]), b.CountOf.Values.Sum());

    /// <summary>The mean of a measure between one language and each of the others.</summary>
    /// <param name="measure">Of the one, first, and another.</param>
    public static double? WithOthers(
        PieceCounts one, IEnumerable<PieceCounts> all, Func<PieceCounts, PieceCounts, double?> measure) =>
        TransferMatrix.Mean(all.Where(other => other.Locale != one.Locale).Select(other => measure(one, other)));

    private static IEnumerable<int> Common(PieceCounts a, PieceCounts b) =>
        a.CountOf.Keys.Where(b.CountOf.ContainsKey);

    private static double? Share(long part, long whole) => whole == 0 ? null : (double)part / whole;
}
