using System.Globalization;
using FastCpt.Engine.Reports;

namespace FastCpt.Engine.Studies;

/// <summary>Turns a study's results into what its report shows.</summary>
public static class StudyReport
{
    public const string FileName = "report.html";

    public static ReportContent Of(StudyResults results) => new(
        $"Study {results.Name}",
        $"FastCpt {results.Tool}, {results.Device}; {results.Models.Count} models, "
        + $"{results.Models[0].Languages.Count} languages; bits per byte of validation text, lower is better",
        [.. StudyFinding.Of(results).Select(finding => new ReportFinding(finding.Statement, finding.Holds))],
        Frontier(results),
        [
            new ReportTable("Systems by family", StudyTable.Cells(results)),
            new ReportTable("The same in perplexity", StudyTable.Families(results, StudyMeasure.Perplexity)),
            Languages(results), Drift(results),
        ]);

    /// <summary>Systems in percent of the base's bits per byte: saved on held-in, added on base languages.</summary>
    internal static IReadOnlyList<FrontierPoint> Frontier(StudyResults results)
    {
        double heldIn = results.Mean(null, LanguageRole.HeldIn), known = results.Mean(null, LanguageRole.Base);
        return
        [
            .. results.Models.Select(model => model.System).Distinct()
                .Select(system => new FrontierPoint(
                    StudyTable.Title(system),
                    100 * (1 - results.Mean(system, LanguageRole.HeldIn) / heldIn),
                    100 * (results.Mean(system, LanguageRole.Base) / known - 1)))
                .Where(point => double.IsFinite(point.Acquired) && double.IsFinite(point.Forgotten)),
        ];
    }

    private static ReportTable Languages(StudyResults results)
    {
        StudyLanguage[] languages = [.. results.Models[0].Languages.Select(result => result.Language)];
        var rows = new List<IReadOnlyList<string>>
        {
            (string[])["model", .. languages.Select(language => $"{language.Code} ({Role(language.Role)})")],
        };
        foreach (ModelResult model in results.Models)
            rows.Add((string[])[model.Name, .. model.Languages.Select(result => Number(result.BitsPerByte))]);
        if (results.Unigram.Count > 0)
            rows.Add((string[])["token unigram", .. languages.Select(language =>
                results.Unigram.TryGetValue(language.Code, out double value) ? Number(value) : "–")]);
        return new ReportTable("Every model on every language", rows);
    }

    private static ReportTable Drift(StudyResults results)
    {
        string[] groups = [.. results.Models.SelectMany(model => model.Drift).Select(drift => drift.Group).Distinct()];
        var rows = new List<IReadOnlyList<string>>
        {
            (string[])
            [
                "model", .. groups.Select(group => $"{group} ‖Δ‖/‖θ₀‖"), .. groups.Select(group => $"{group} rms Δ"),
            ],
        };
        foreach (ModelResult model in results.Models)
        {
            var drifts = model.Drift.ToDictionary(drift => drift.Group);
            rows.Add((string[])[
                model.Name,
                .. groups.Select(group => Number(drifts[group].Relative)),
                .. groups.Select(group => drifts[group].Rms.ToString("0.0e-00", CultureInfo.InvariantCulture)),
            ]);
        }

        return new ReportTable("Drift from the base, by layer group", rows);
    }

    private static string Role(LanguageRole role) => role switch
    {
        LanguageRole.Base => "base",
        LanguageRole.HeldIn => "held-in",
        _ => "held-out",
    };

    private static string Number(double value) => value.ToString("F3", CultureInfo.InvariantCulture);
}
