using FastCpt.Engine.Config;
using FastCpt.Engine.Studies;

namespace FastCpt.Tests.Engine.Studies;

/// <summary>Results of studies, made by hand.</summary>
internal static class Results
{
    public static StudyResults Of(params IReadOnlyList<ModelResult> models) =>
        new("study", "1.0", models, new Dictionary<string, double>());

    public static ModelResult Model(
        StudySystem? system, string? family, params IReadOnlyList<LanguageResult> languages) => new(
        $"seed-42/{system?.ToString() ?? "base"}-{family}", 42, system, family, "cpu avx2", languages,
        [
            new DriftResult("first", 3, 0.25, 0.5, 0.75),
            new DriftResult("middle", 4, system is null ? 0 : 0.75, 0.125, 1),
        ]);

    /// <param name="value">Both bits per byte and perplexity.</param>
    public static LanguageResult Language(string code, LanguageRole role, string? family, double value) =>
        new(new StudyLanguage(code, role, family), value, value, 100, 300);
}
