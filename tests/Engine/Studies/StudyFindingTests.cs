using FastCpt.Engine.Config;
using FastCpt.Engine.Studies;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>What a report claims of a study, at and beside the limits of each claim.</summary>
internal sealed class StudyFindingTests
{
    [TestCase(1.50, true)]
    [TestCase(1.51, false)]
    public void Learning_IsThreeQuartersOfTheUnigram(double known, bool holds)
    {
        StudyFinding finding = Find("Learning", Results.Of(Scored(null, known, 4)) with
        {
            Unigram = new Dictionary<string, double> { ["en"] = 2.1, ["el"] = 1.9 },
        });
        Assert.That(finding.Holds, Is.EqualTo(holds), finding.Statement);
        Assert.That(finding.Statement, Does.Contain("2.000 bits per byte").And.Contain("75.0%"));
    }

    [TestCase(3.80, true)]
    [TestCase(3.81, false)]
    [TestCase(4.20, false)]
    public void Acquisition_IsFivePercentLess(double heldIn, bool holds) => Assert.That(
        Find("Acquisition", Base, Scored(StudySystem.Expert, 2.5, heldIn)).Holds, Is.EqualTo(holds));

    [TestCase(2.001, true)]
    [TestCase(2.0, false)]
    [TestCase(1.9, false)]
    public void Forgetting_IsMoreThanTheBase(double known, bool holds) => Assert.That(
        Find("Forgetting", Base, Scored(StudySystem.Expert, known, 3)).Holds, Is.EqualTo(holds));

    [TestCase(2.3, 3.5, true, true)]
    [TestCase(2.6, 3.5, true, false)]
    [TestCase(2.3, 2.9, false, true)]
    [TestCase(1.9, 4.1, false, false)]
    public void TradeOff_IsBetweenBaseAndExpert_OnBothKindsOfLanguages(
        double known, double heldIn, bool acquires, bool keeps)
    {
        foreach (StudySystem system in new[] { StudySystem.Freeze, StudySystem.L2Sp })
        {
            string subject = $"Trade-off: {StudyTable.Title(system)}";
            StudyFinding[] findings = [.. StudyFinding.Of(Results.Of(
                Base, Scored(StudySystem.Expert, 2.5, 3), Scored(system, known, heldIn)))
                .Where(finding => finding.Statement.Contains(subject, StringComparison.Ordinal))];
            Assert.That(findings.Select(finding => finding.Holds), Is.EqualTo((bool[])[acquires, keeps]));
            Assert.That(findings[0].Statement, Does.Contain("held-in languages"));
            Assert.That(findings[1].Statement, Does.Contain("base languages"));
        }
    }

    [Test]
    public void Findings_OfAStudyWithoutExperts_SayNothingOfThem() =>
        Assert.That(StudyFinding.Of(Results.Of(Base, Scored(StudySystem.Dense, 2, 3))), Is.Empty);

    private static ModelResult Base => Scored(null, 2, 4);

    private static StudyFinding Find(string subject, params ModelResult[] models) => Find(subject, Results.Of(models));

    private static StudyFinding Find(string subject, StudyResults results) =>
        StudyFinding.Of(results).Single(finding => finding.Statement.StartsWith(subject, StringComparison.Ordinal));

    private static ModelResult Scored(StudySystem? system, double known, double heldIn) => Results.Model(
        system, system is null or StudySystem.Dense ? null : "slavic",
        Results.Language("en", LanguageRole.Base, null, known),
        Results.Language("hr", LanguageRole.HeldIn, "slavic", heldIn));
}
