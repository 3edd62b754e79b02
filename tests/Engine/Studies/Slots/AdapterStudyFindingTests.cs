using FastCpt.Engine.Config;
using FastCpt.Engine.Studies.Slots;
using static FastCpt.Tests.Engine.Studies.Slots.WrittenResults;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Every finding where it holds, where it does not, and where it is not visible.</summary>
public sealed class AdapterStudyFindingTests
{
    private const string Any = "given";

    private static readonly double[] Quiet = [0.70, 0.71];

    /// <summary>SHARED's loss, with seeds a point apart.</summary>
    [TestCase(0.60, true)]
    [TestCase(0.695, null)]
    [TestCase(0.80, false)]
    public void Shared_Forgets(double later, bool? expected) =>
        Expect(Of(Quiet, null, Shared(later)), "SHARED r8 forgets: F1", expected);

    [TestCase(0.65, true)]
    [TestCase(0.605, null)]
    [TestCase(0.50, false)]
    public void Shared_ForgetsMoreThanVanilla(double vanilla, bool? expected) =>
        Expect(Of(Quiet, null, Shared(0.6), Vanilla(vanilla)), "SHARED r8 forgets more than VANILLA", expected);

    [TestCase(0.7, true)]
    [TestCase(0.7000001, false)]
    public void NonShared_ForgetsExactlyNothing(double later, bool expected) => Expect(
        Of(Quiet, null, Even(SharingStrategy.NonShared, 8, later)), "NON-SHARED r8 forgets nothing", expected);

    [TestCase(0.5, true)]
    [TestCase(0.6, false)]
    public void Strategies_AreRanked(double shared, bool expected)
    {
        AdapterStudyResults results = Of(
            Quiet, expected ? 0.75 : 0.6, Even(SharingStrategy.NonShared, 8, expected ? 0.7 : 0.5),
            Vanilla(expected ? 0.6 : 0.55), Shared(shared));
        Expect(results, "MULTI ends higher than NON-SHARED r8", true);
        Expect(results, "NON-SHARED r8 ends higher than VANILLA", expected);
        Expect(results, "VANILLA ends higher than SHARED r8", expected);
    }

    [Test]
    public void Strategies_WithinTheSpread_AreNotRanked()
    {
        AdapterStudyResults results = Of([0.5, 0.7], 0.75, Vanilla(0.7), Shared(0.6));
        Expect(results, "MULTI ends higher than VANILLA", null);
        Expect(results, "VANILLA ends higher than SHARED r8", null);
    }

    [Test]
    public void Multi_BelowASequence_DoesNotEndHigher() =>
        Expect(Of(Quiet, 0.5, Vanilla(0.7)), "MULTI ends higher than VANILLA", false);

    /// <summary>A run of fewer languages is of other languages, so it is no part of a comparison.</summary>
    [Test]
    public void Strategies_AreComparedOverTheSameLanguagesAndOrders()
    {
        SequenceResult latin = Run(
            SharingStrategy.Vanilla, null, "latin_only", _ => 0.99, _ => 0.99, "en-US", "de-DE", "sw-KE");
        SequenceResult other = Run(SharingStrategy.Vanilla, null, "other", _ => 0.99, _ => 0.99);
        AdapterStudyResults results = Of(Quiet, 0.75, Vanilla(0.6), latin, other, Shared(0.5));
        AdapterStudyFinding ranked = Find(results, "VANILLA ends higher than SHARED r8");
        Assert.That(ranked.Statement, Does.Contain("61.43 and 52.86"), "six languages have 0.6, the last has 0.7");
    }

    [TestCase(0.701, 0.001, true)]
    [TestCase(0.701, 0.02, null)]
    [TestCase(0.80, 0.02, false)]
    public void Rank_MattersLittle(double large, double spread, bool? expected) => Expect(
        Of([0.7, 0.7 + spread], null, Even(SharingStrategy.NonShared, 8, 0.7),
            Run(SharingStrategy.NonShared, 32, Any, _ => large, _ => large)),
        "The rank matters less than a point to NON-SHARED", expected);

    [TestCase(0.6, true)]
    [TestCase(0.4, false)]
    public void RunningCheck_IsWithinItsBounds(double later, bool expected) =>
        Expect(Of(Quiet, null, Shared(later)), "A check proposed with the study", expected);

    [TestCase(0.5, true)]
    [TestCase(0.645, null)]
    [TestCase(0.69, false)]
    public void OtherScripts_ForgetMore(double other, bool? expected) => Expect(
        Of(Quiet, null, Shared(locale => Locale(locale).Script == "Latin" ? 0.65 : other)),
        "SHARED r8: languages in other scripts forget more", expected);

    [TestCase(0.5, true)]
    [TestCase(0.645, null)]
    [TestCase(0.69, false)]
    public void DestructiveLanguages_ForgetMore(double own, bool? expected)
    {
        AdapterStudyResults results =
            Of(Quiet, null, Shared(locale => locale is "zh-CN" or "ja-JP" or "th-TH" ? own : 0.65));
        Expect(results, "SHARED r8: zh-CN, ja-JP and th-TH forget more", expected);
        if (expected == true)
            Assert.That(Find(results, "SHARED r8: zh-CN, ja-JP and th-TH forget more").Statement,
                Does.Contain("most of all forget ja-JP -20.00, zh-CN -20.00, "));
    }

    [TestCase("zh-CN", 0.6, true)]
    [TestCase("hi-IN", 0.695, null)]
    [TestCase("de-DE", 0.8, false)]
    public void NamedLanguages_Lose(string locale, double later, bool? expected) => Expect(
        Of(Quiet, null, Shared(other => other == locale ? later : 0.65)), $"SHARED r8: {locale} loses", expected);

    /// <summary>F1 of all that came before falls, or rises, at the steps of Chinese and Japanese.</summary>
    [TestCase(-0.05, true)]
    [TestCase(0.005, null)]
    [TestCase(0.05, false)]
    public void HarmfulLanguages_CostOthersMore(double change, bool? expected)
    {
        foreach (string locale in new[] { "zh-CN", "ja-JP" })
            Expect(
                Of(Quiet, null, Harming(change)),
                $"SHARED r8, {Any}: learning {locale} costs earlier languages more", expected);
    }

    /// <summary>What is true of Chinese need not be of Japanese, nor of one order what is of the other; after fewer
    /// than two languages nothing is said.</summary>
    [Test]
    public void HarmfulLanguages_AreJudgedOneByOne()
    {
        SequenceResult first = Run(
            SharingStrategy.Shared, 8, "first", _ => 0.7, _ => 0.7, "ja-JP", "zh-CN", "en-US", "de-DE", "sw-KE");
        SequenceResult last = Run(
            SharingStrategy.Shared, 8, "last", _ => 0.7, _ => 0.7, "en-US", "de-DE", "sw-KE", "zh-CN", "ja-JP");
        for (int position = 1; position < 4; position++)
            (last.Matrix[4, position], last.Matrix[5, position]) = (0.4, 0.45);
        AdapterStudyResults results = Of(Quiet, null, first, last);
        Expect(results, "SHARED r8, last: learning zh-CN costs", true);
        Expect(results, "SHARED r8, last: learning ja-JP costs", false);
        Assert.That(
            Find(results, "SHARED r8, last: learning zh-CN costs").Statement,
            Does.Contain("MBT (donor) -30.00 and 0.00 (zh-CN -30.00, sw-KE 0.00, ja-JP 3.75)"));
        Assert.That(
            AdapterStudyFinding.Of(results).Select(finding => finding.Statement), Has.None.Contains("first: learning"));
    }

    private static SequenceResult Harming(double change)
    {
        SequenceResult run = Shared(0.7);
        for (int step = 5; step <= run.Matrix.Count; step++)
            for (int position = 1; position < 5; position++)
                run.Matrix[step, position] = 0.7 + change * Math.Min(2, step - 4);
        run.Matrix[6, 5] = 0.7 + change;
        run.Matrix[7, 5] = 0.7 + change;
        return run;
    }

    /// <summary>Before they are learned, languages in Latin script have one score and the others another.</summary>
    [TestCase(0.2, 0.1, true)]
    [TestCase(0.105, 0.1, null)]
    [TestCase(0.1, 0.2, false)]
    public void Transfer_ReachesLatinMore(double latin, double others, bool? expected)
    {
        SequenceResult run = Shared(0.6);
        for (int position = 1; position <= run.Matrix.Count; position++)
            for (int step = 0; step < position; step++)
                run.Matrix[step, position] = step == 0 ? 0
                    : Locale(run.Matrix.Locales[position - 1]).Script == "Latin" ? latin : others;
        Expect(Of(Quiet, null, run), "SHARED r8: transfer reaches languages in other scripts less", expected);
    }

    /// <summary>What destructive languages themselves end with is another matter, and does not count.</summary>
    [TestCase(0.605, true)]
    [TestCase(0.65, null)]
    [TestCase(0.70, true)]
    public void Position_IsJudgedByTheOtherLanguages(double last, bool? expected)
    {
        static double Own(string locale, double others) => locale is "zh-CN" or "ja-JP" or "th-TH" ? 0 : others;
        AdapterStudyResults results = Of(
            Quiet, null,
            Run(SharingStrategy.Shared, 8, "destructive_first", _ => 0.7, locale => Own(locale, 0.6),
                "zh-CN", "ja-JP", "th-TH", "en-US", "de-DE"),
            Run(SharingStrategy.Shared, 8, "destructive_last", _ => 0.7, locale => Own(locale, last),
                "en-US", "de-DE", "zh-CN", "ja-JP", "th-TH"));
        AdapterStudyFinding finding = Find(results, "SHARED r8: what destructive languages do");
        Assert.That(finding.Statement, Does.Contain("by -5.00 in the end where they come first"));
        Assert.That(finding.Holds, Is.EqualTo(expected), finding.Statement);
    }

    [Test]
    public void Spread_IsThatOfTheSameLanguages()
    {
        var monos = new[] { 0.5, 0.7 }.Select(score => Scores(Locales, locale => locale == "de-DE" ? score : 0.6))
            .Select((f1, i) => new SingleResult(SharingStrategy.Mono, (ulong)i, 1, f1, f1)).ToArray();
        AdapterStudyResults results = Of([], null, Shared(0.6)) with { Monos = monos };
        Assert.That(results.SpreadOver(["de-DE"]), Is.EqualTo(0.2).Within(1e-12));
        Assert.That(results.SpreadOver(["en-US"]), Is.Zero);
        Expect(results, "SHARED r8: de-DE loses", null);
        Expect(results, "SHARED r8: zh-CN loses", true);
    }

    [Test]
    public void WithoutASpread_FindingsSaySo()
    {
        AdapterStudyFinding finding = Find(Of([0.7], null, Shared(0.6)), "SHARED r8 forgets: F1");
        Assert.That(finding.Statement, Does.EndWith("no spread of seeds is known."));
        Assert.That(finding.Holds, Is.True);
    }

    [Test]
    public void Findings_OfNothing_AreNone() => Assert.That(AdapterStudyFinding.Of(Of(Quiet, 0.7)), Is.Empty);

    private static SequenceResult Shared(double later) => Even(SharingStrategy.Shared, 8, later);

    private static SequenceResult Shared(Func<string, double> later) =>
        Run(SharingStrategy.Shared, 8, Any, _ => 0.7, later);

    private static SequenceResult Vanilla(double later) => Even(SharingStrategy.Vanilla, null, later);

    private static SequenceResult Even(SharingStrategy strategy, int? rank, double later) =>
        Run(strategy, rank, Any, _ => 0.7, _ => later);

    private static void Expect(AdapterStudyResults results, string beginning, bool? expected)
    {
        AdapterStudyFinding finding = Find(results, beginning);
        Assert.That(finding.Holds, Is.EqualTo(expected), finding.Statement);
    }

    private static AdapterStudyFinding Find(AdapterStudyResults results, string beginning) =>
        AdapterStudyFinding.Of(results).Single(
            finding => finding.Statement.StartsWith(beginning, StringComparison.Ordinal));
}
