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

    /// <summary>Heads, then a row a system; a number that was not measured is a dash.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Cells(StudyResults results)
    {
        string[] families = [.. results.Models[0].Languages
            .Select(result => result.Language.Family).OfType<string>().Distinct()];
        var head = new List<string> { "bits per byte" };
        head.AddRange(families.Select(family => $"{family} held-in"));
        head.Add("held-in");
        head.AddRange(families.Select(family => $"{family} held-out"));
        head.Add("held-out");
        head.Add("base");
        head.Add("drift middle");
        head.Add("drift");
        var rows = new List<IReadOnlyList<string>> { head };
        foreach (StudySystem? system in results.Models.Select(model => model.System).Distinct())
        {
            var row = new List<string> { Title(system) };
            foreach (LanguageRole role in new[] { LanguageRole.HeldIn, LanguageRole.HeldOut })
            {
                row.AddRange(families.Select(family => Number(results.Mean(system, role, family))));
                row.Add(Number(results.Mean(system, role)));
            }

            row.Add(Number(results.Mean(system, LanguageRole.Base)));
            row.Add(Number(Drift(results, system, group => group == "middle")));
            row.Add(Number(Drift(results, system, _ => true)));
            rows.Add(row);
        }

        return rows;
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

    /// <summary>Mean over a system's models of ‖θ − θ₀‖ / ‖θ₀‖ over the chosen groups' mean.</summary>
    private static double Drift(StudyResults results, StudySystem? system, Func<string, bool> choose)
    {
        double[] values = [.. results.Models.Where(model => model.System == system)
            .SelectMany(model => model.Drift).Where(drift => choose(drift.Group)).Select(drift => drift.Relative)];
        return values.Length == 0 ? double.NaN : values.Average();
    }

    private static string Number(double value) =>
        double.IsNaN(value) ? "–" : value.ToString("F3", CultureInfo.InvariantCulture);
}
