using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Tests.Engine.Data;
using FastCpt.Tests.Engine.Data.Massive;

namespace FastCpt.Tests.Engine.Evaluation;

public sealed class OverlapTests
{
    private const double Tolerance = 1e-12;     // a few roundings

    // Pieces are letters: a has {x, y, z}, b has {y, z, u, v}; b's text is y y y z u v.
    private static readonly PieceCounts A = Counts("en-US", "xyz", "x"), B = Counts("de-DE", "yyyz", "uv");
    private static readonly PieceCounts C = Counts("sw-KE", "q");

    [Test]
    public void Measures_AreThoseOfTheSpecification()
    {
        Assert.That(VocabularyOverlap.Jaccard(A, B), Is.EqualTo(2 / 5.0).Within(Tolerance));
        Assert.That(VocabularyOverlap.Coverage(A, B), Is.EqualTo(2 / 4.0).Within(Tolerance));
        Assert.That(VocabularyOverlap.Coverage(B, A), Is.EqualTo(2 / 3.0).Within(Tolerance));
        Assert.That(VocabularyOverlap.WeightedCoverage(A, B), Is.EqualTo(4 / 6.0).Within(Tolerance));
        Assert.That(VocabularyOverlap.WeightedCoverage(B, A), Is.EqualTo(2 / 4.0).Within(Tolerance));
        Assert.That(VocabularyOverlap.WithOthers(A, [A, B, C], VocabularyOverlap.Jaccard),
            Is.EqualTo(1 / 5.0).Within(Tolerance));
        Assert.That(VocabularyOverlap.WithOthers(A, [A], VocabularyOverlap.Jaccard), Is.Null);
    }

    [Test]
    public void Fertility_IsPiecesPerWord_AndUnknownPiecesCount()
    {
        Assert.That((A.Words, A.Pieces, A.Fertility), Is.EqualTo((2L, 4L, (double?)2)));
        var counts = new PieceCounts(
            Sentences.Encode(new ByteTokenizer(), "en-US", ["xyzx"]), 'x' + 3, ByteTokenizer.Begin, ByteTokenizer.End);
        Assert.That((counts.Pieces, counts.Unknown, counts.UnknownShare), Is.EqualTo((4L, 2L, (double?)0.5)));
        Assert.That(counts.CountOf.Keys, Is.EquivalentTo(new[] { 'y' + 3, 'z' + 3 }));
    }

    // Pearson by hand: dx = −1.5 −0.5 0.5 1.5, dy = −2 0 −1 3; Spearman: ranks 1 3 2 4.
    [Test]
    public void Correlations_AreThoseOfTheirFormulas()
    {
        double?[] x = [1, 2, 3, 4], y = [1, 3, 2, 6];
        Assert.That(Correlation.Pearson(x, y), Is.EqualTo(7 / Math.Sqrt(5 * 14)).Within(Tolerance));
        Assert.That(Correlation.Spearman(x, y), Is.EqualTo(0.8).Within(Tolerance));
        Assert.That(Correlation.Spearman(x, [1, 8, 27, 64]), Is.EqualTo(1).Within(Tolerance));
        Assert.That(Correlation.Pearson(x, [-1, -2, -3, -4]), Is.EqualTo(-1).Within(Tolerance));
    }

    /// <summary>Ranks of 1 2 2 3 are 1, 2.5, 2.5, 4: r = 4.5 / √(4.5 · 5).</summary>
    [Test]
    public void EqualValues_ShareTheMeanOfTheirRanks() => Assert.That(
        Correlation.Spearman([1, 2, 2, 3], [1, 2, 3, 4]), Is.EqualTo(4.5 / Math.Sqrt(4.5 * 5)).Within(Tolerance));

    [Test]
    public void Correlations_LeaveOutWhatIsUndefined_AndAreItThemselves()
    {
        Assert.That(Correlation.Pearson([1, null, 2, 9], [2, 7, 4, null]), Is.EqualTo(1).Within(Tolerance));
        Assert.That(Correlation.Pearson([1, null], [2, 3]), Is.Null);
        Assert.That(Correlation.Pearson([0.1, 0.1, 0.1], [1, 2, 3]), Is.Null);
        Assert.That(Correlation.Spearman([1, 2], [5, 5]), Is.Null);
        Assert.That(() => Correlation.Pearson([1], [1, 2]), Throws.ArgumentException);
    }

    [Test]
    public void GroupMeans_AreOverTheLanguagesThatHaveAValue()
    {
        var means = Correlation.GroupMeans(["Thai", "Latin", "Latin", "Latin"], [null, 0.5, null, 0.7]);
        Assert.That(means.Select(mean => (mean.Group, mean.Count)), Is.EqualTo([("Latin", 2), ("Thai", 0)]));
        Assert.That(means[0].Mean, Is.EqualTo(0.6).Within(Tolerance));
        Assert.That(means[1].Mean, Is.Null);
    }

    private static PieceCounts Counts(string locale, params string[] sentences) =>
        PieceCounts.Of(Sentences.Encode(new ByteTokenizer(), locale, sentences), new ByteTokenizer());
}
