using System.Globalization;
using System.Text;
using FastCpt.Engine.Config;

namespace FastCpt.Engine.Studies;

/// <summary>
/// The table that a study ends with: systems by families, in bits per byte, and how far the weights moved.
/// </summary>
public static class StudyTable
{
    /// <summary>What the paper calls a system.</summary>
    public static string Title(StudySystem? system) => system switch
    {
        null => "Base",
        StudySystem.Dense => "Dense",
        StudySystem.Expert => "Expert",
        StudySystem.Freeze => "Freeze",
        StudySystem.L2Sp => "L2-SP",
        StudySystem.DenseReverted => "Dense-Reverted",
        StudySystem.ExpertReverted => "Expert-Reverted",
        _ => "Soup",
    };

    /// <summary>Heads, then a row a system: <see cref="Families"/> in bits per byte, and the weights' drift.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Cells(StudyResults results)
    {
        IReadOnlyList<IReadOnlyList<string>> families = Families(results, StudyMeasure.BitsPerByte);
        return
        [
            [.. families[0], "drift middle", "drift"],
            .. Systems(results).Select((system, i) => (IReadOnlyList<string>)
            [
                .. families[i + 1],
                Number(Drift(results, system, group => group == "middle"), "F3"),
                Number(Drift(results, system, _ => true), "F3"),
            ]),
        ];
    }

    /// <summary>Heads, then a row a system; a number that was not measured is a dash.</summary>
    /// <remarks>family-cpt.md 4.5: a family is the mean of its languages, "held-in" the mean of families.</remarks>
    public static IReadOnlyList<IReadOnlyList<string>> Families(StudyResults results, StudyMeasure measure)
    {
        string[] families = [.. results.Models[0].Languages
            .Select(result => result.Language.Family).OfType<string>().Distinct()];
        var rows = new List<IReadOnlyList<string>>
        {
            (string[])
            [
                measure.Title,
                .. families.Select(family => $"{family} held-in"), "held-in",
                .. families.Select(family => $"{family} held-out"), "held-out",
                "other families", "base",
            ],
        };
        foreach (StudySystem? system in Systems(results))
            rows.Add((string[])
            [
                Title(system),
                .. Means(system, LanguageRole.HeldIn),
                .. Means(system, LanguageRole.HeldOut),
                Number(results.MeanOfOtherFamilies(measure, system), measure.Format),
                Number(results.Mean(measure, system, LanguageRole.Base), measure.Format),
            ]);
        return rows;

        IEnumerable<string> Means(StudySystem? system, LanguageRole role) => families.Append(null)
            .Select(family => Number(results.Mean(measure, system, role, family), measure.Format));
    }

    /// <summary>The table as text in columns.</summary>
    public static string Text(StudyResults results)
    {
        IReadOnlyList<IReadOnlyList<string>> rows = Cells(results);
        int[] widths = [.. Enumerable.Range(0, rows[0].Count).Select(column => rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        foreach (IReadOnlyList<string> row in rows)
        {
            for (int column = 0; column < row.Count; column++)
                text.Append(column == 0 ? row[0].PadRight(widths[0]) : "  " + row[column].PadLeft(widths[column]));
            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Mean over a system's models of ‖θ − θ₀‖ / ‖θ₀‖, both norms over the chosen groups together.</summary>
    private static double Drift(StudyResults results, StudySystem? system, Func<string, bool> choose)
    {
        return results.Models.Where(model => model.System == system)
            .Select(model => Relative(model.Drift.Where(drift => choose(drift.Group))))
            .DefaultIfEmpty(double.NaN).Average();

        static double Relative(IEnumerable<DriftResult> groups)
        {
            double distance = 0, origin = 0;
            foreach (DriftResult group in groups)
            {
                distance += group.Relative * group.OriginNorm * group.Relative * group.OriginNorm;
                origin += group.OriginNorm * group.OriginNorm;
            }

            return Math.Sqrt(distance / origin);
        }
    }

    private static IEnumerable<StudySystem?> Systems(StudyResults results) =>
        results.Models.Select(model => model.System).Distinct();

    private static string Number(double value, string format) =>
        double.IsNaN(value) ? "–" : value.ToString(format, CultureInfo.InvariantCulture);
}
