using System.Globalization;
using FastCpt.Engine.Config;

namespace FastCpt.Engine.Studies;

/// <summary>What a study is expected to show, held against its numbers.</summary>
/// <param name="Holds">Whether the statement is true of this study.</param>
public sealed record StudyFinding(string Statement, bool Holds)
{
    private const double UnigramShare = 0.75, ClearGain = 0.05;

    public static IReadOnlyList<StudyFinding> Of(StudyResults results)
    {
        var findings = new List<StudyFinding>();
        double known = results.Mean(null, LanguageRole.Base);
        if (results.Unigram.Count > 0)
            findings.Add(Learned(known, results.Unigram.Values.Average()));
        if (results.Models.All(model => model.System != StudySystem.Expert))
            return findings;

        double heldIn = results.Mean(null, LanguageRole.HeldIn);
        double expertIn = results.Mean(StudySystem.Expert, LanguageRole.HeldIn);
        double expertKnown = results.Mean(StudySystem.Expert, LanguageRole.Base);
        findings.Add(new StudyFinding(
            $"Acquisition: Expert needs {Bits(expertIn)} on held-in languages, "
            + $"{Share(1 - expertIn / heldIn)} less than Base's {Bits(heldIn)}; {Share(ClearGain)} counts as clear.",
            expertIn <= (1 - ClearGain) * heldIn));
        findings.Add(new StudyFinding(
            $"Forgetting: Expert needs {Bits(expertKnown)} on base languages, more than Base's {Bits(known)}.",
            expertKnown > known));
        foreach (StudySystem system in new[] { StudySystem.Freeze, StudySystem.L2Sp })
        {
            if (results.Models.All(model => model.System != system))
                continue;
            findings.Add(Between(results, system, LanguageRole.HeldIn, "held-in", heldIn, expertIn));
            findings.Add(Between(results, system, LanguageRole.Base, "base", known, expertKnown));
        }

        return findings;
    }

    private static StudyFinding Learned(double known, double unigram) => new(
        $"Learning: Base needs {Bits(known)} on base languages, {Share(known / unigram)} of what a token-unigram model "
        + $"of the same training text needs ({Bits(unigram)}); at most {Share(UnigramShare)} counts as learned.",
        known <= UnigramShare * unigram);

    private static StudyFinding Between(
        StudyResults results, StudySystem system, LanguageRole role, string languages, double origin, double expert)
    {
        double value = results.Mean(system, role);
        return new StudyFinding(
            $"Trade-off: {StudyTable.Title(system)} needs {Bits(value)} on {languages} languages, between Base's "
            + $"{Bits(origin)} and Expert's {Bits(expert)}.",
            value >= Math.Min(origin, expert) && value <= Math.Max(origin, expert));
    }

    private static string Bits(double value) => value.ToString("F3", CultureInfo.InvariantCulture) + " bits per byte";

    private static string Share(double value) => (100 * value).ToString("F1", CultureInfo.InvariantCulture) + "%";
}
