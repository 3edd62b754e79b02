using FastCpt.Engine.Config;
using FastCpt.Engine.Studies;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>Means over languages, families and models, as the paper takes them.</summary>
internal sealed class StudyTableTests
{
    private static readonly string[] Families = ["slavic", "germanic", "indic", "austronesian", "romance"];

    private static readonly StudySystem?[] Systems =
    [
        null, StudySystem.Dense, StudySystem.Expert, StudySystem.DenseReverted, StudySystem.ExpertReverted,
        StudySystem.Freeze, StudySystem.L2Sp, StudySystem.Soup,
    ];

    /// <summary>Rows of table 7.1 of family-cpt.md: held-in perplexity by family, then the average.</summary>
    private static readonly double[][] Published =
    [
        [7.66, 6.41, 6.40, 7.83, 7.14, 6.80, 7.36, 7.18],
        [11.41, 7.18, 7.23, 10.20, 9.08, 7.82, 9.78, 9.90],
        [10.07, 7.66, 7.73, 9.38, 9.07, 8.39, 9.54, 8.83],
        [11.78, 6.22, 6.74, 10.20, 9.36, 7.80, 10.33, 10.10],
        [10.01, 8.55, 8.40, 10.35, 9.23, 8.81, 9.54, 9.28],
        [10.19, 7.20, 7.30, 9.59, 8.78, 7.92, 9.31, 9.06],
    ];

    /// <summary>The paper's table 11, as far as two families are printed in full: Base and Dense by language.</summary>
    private static readonly Dictionary<string, (string Code, double Base, double Dense)[]> Languages = new()
    {
        ["slavic"] = [("mk", 6.70, 4.96), ("hr", 8.42, 6.90), ("ru", 10.37, 9.41), ("sk", 7.25, 6.14),
            ("sr", 7.03, 5.45), ("uk", 6.20, 5.59)],
        ["germanic"] = [("af", 11.24, 7.41), ("fy", 14.89, 4.86), ("lb", 14.32, 5.61), ("da", 7.42, 6.14),
            ("nl", 8.69, 7.53), ("en", 11.91, 11.51)],
    };

    [Test]
    public void Fact32_Average_IsTheMeanOfFamilies_AsInThePapersTable()
    {
        IReadOnlyList<IReadOnlyList<string>> table = StudyTable.Families(
            Results.Of([.. Systems.SelectMany(Models)]), StudyMeasure.Perplexity);
        int average = Column(table, "held-in");
        for (int i = 0; i < Systems.Length; i++)
        {
            Assert.That(table[i + 1][0], Is.EqualTo(StudyTable.Title(Systems[i])));
            for (int family = 0; family < Families.Length; family++)
                Assert.That(
                    Cell(table, i, Column(table, $"{Families[family]} held-in")), Is.EqualTo(Published[family][i]));
            Assert.That(Cell(table, i, average), Is.EqualTo(Published[^1][i]), table[i + 1][0]);
        }

        // Which systems have one model, and which one for each family.
        ModelResult[] Models(StudySystem? system, int column)
        {
            LanguageResult[] scores = [.. Families.Select((family, row) =>
                Results.Language(family[..2], LanguageRole.HeldIn, family, Published[row][column]))];
            bool isSingle = system is null or StudySystem.Dense or StudySystem.DenseReverted or StudySystem.Soup;
            return isSingle
                ? [Results.Model(system, null, scores)]
                : [.. Families.Select(family => Results.Model(system, family, [.. scores.Select(score =>
                    // On other families an expert is far worse, and that does not count.
                    score.Language.Family == family ? score : score with { Perplexity = 1000 })]))];
        }
    }

    [Test]
    public void Fact32_Family_IsTheMeanOfItsLanguages_AsInThePapersTable()
    {
        LanguageResult[] Scores(Func<(string Code, double Base, double Dense), double> of) => [.. Languages.SelectMany(
            family => family.Value.Select(
                row => Results.Language(row.Code, LanguageRole.HeldIn, family.Key, of(row))))];
        IReadOnlyList<IReadOnlyList<string>> table = StudyTable.Families(
            Results.Of(
                Results.Model(null, null, Scores(row => row.Base)),
                Results.Model(StudySystem.Dense, null, Scores(row => row.Dense))),
            StudyMeasure.Perplexity);
        Assert.That(table[1].Skip(1).Take(2), Is.EqualTo((string[])["7.66", "11.41"]));
        Assert.That(table[2].Skip(1).Take(2), Is.EqualTo((string[])["6.41", "7.18"]));
    }

    [Test]
    public void Table_TakesEachFamilyFromItsOwnModel_AndTheRestApart()
    {
        StudyResults results = Results.Of(
            Results.Model(null, null, Scores(1, 2, 3, 4, 5)),
            Results.Model(StudySystem.Expert, "slavic", Scores(10, 20, 30, 40, 50)),
            Results.Model(StudySystem.Expert, "germanic", Scores(100, 200, 300, 400, 500)));
        Assert.That(StudyTable.Cells(results), Is.EqualTo((string[][])
        [
            ["bits per byte", "slavic held-in", "germanic held-in", "held-in", "slavic held-out", "germanic held-out",
                "held-out", "other families", "base", "drift middle", "drift"],
            ["Base", "2.500", "4.000", "3.250", "5.000", "–", "5.000", "–", "1.000", "0.000", "0.150"],
            // Base languages are averaged over both experts; "other families" is 40 of one and 250 of the other; drift
            // is √(0.75² + 3²) / √(3² + 4²).
            ["Expert", "25.000", "400.000", "212.500", "50.000", "–", "50.000", "145.000", "55.000", "0.750", "0.618"],
        ]));
    }

    [Test]
    public void Table_AveragesSeedsLast()
    {
        StudyResults results = Results.Of(
            Results.Model(null, null, Scores(1, 2, 3, 4, 5)),
            Results.Model(StudySystem.Dense, null, Scores(1, 2, 4, 6, 8)),
            Results.Model(StudySystem.Dense, null, Scores(3, 4, 6, 10, 8)) with { Seed = 43 });
        // Seed 42: (3 + 6) / 2, seed 43: (5 + 10) / 2.
        Assert.That(results.Mean(StudySystem.Dense, LanguageRole.HeldIn), Is.EqualTo(6));
        Assert.That(results.Mean(StudySystem.Soup, LanguageRole.HeldIn), Is.NaN);
    }

    [Test]
    public void Table_AsText_HasColumnsThatAlign()
    {
        string[] lines = StudyTable.Text(Results.Of(
            Results.Model(null, null, Scores(1, 2, 3, 4, 5)),
            Results.Model(StudySystem.Dense, null, Scores(1, 2, 3, 4, 5))))
            .TrimEnd('\n').Split('\n');
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines.Select(line => line.Length).Distinct().Count(), Is.EqualTo(1));
    }

    /// <summary>A base language, two held-in of one family, one of another, and a held-out relative.</summary>
    private static LanguageResult[] Scores(double known, double first, double second, double other, double heldOut) =>
    [
        Results.Language("en", LanguageRole.Base, null, known),
        Results.Language("hr", LanguageRole.HeldIn, "slavic", first),
        Results.Language("ru", LanguageRole.HeldIn, "slavic", second),
        Results.Language("nl", LanguageRole.HeldIn, "germanic", other),
        Results.Language("cs", LanguageRole.HeldOut, "slavic", heldOut),
    ];

    private static int Column(IReadOnlyList<IReadOnlyList<string>> table, string head) =>
        table[0].ToList().IndexOf(head);

    private static double Cell(IReadOnlyList<IReadOnlyList<string>> table, int system, int column) =>
        double.Parse(table[system + 1][column], System.Globalization.CultureInfo.InvariantCulture);
}
