using FastCpt.Engine.Config;

namespace FastCpt.Engine.Studies;

/// <summary>What a language is to a study.</summary>
public enum LanguageRole
{
    /// <summary>Known to the base model; not to be forgotten.</summary>
    Base,

    /// <summary>Trained on by its family's expert.</summary>
    HeldIn,

    /// <summary>A relative that nothing is trained on.</summary>
    HeldOut,
}

/// <summary>A language of a study.</summary>
/// <param name="Family">Null for a base language.</param>
public sealed record StudyLanguage(string Code, LanguageRole Role, string? Family)
{
    /// <summary>All languages of a study, base languages first, then families in order.</summary>
    public static IReadOnlyList<StudyLanguage> Of(StudyConfig config) =>
    [
        .. config.BaseLanguages.Select(code => new StudyLanguage(code, LanguageRole.Base, null)),
        .. config.Families.SelectMany(family => family.Train.Select(
            code => new StudyLanguage(code, LanguageRole.HeldIn, family.Name))),
        .. config.Families.SelectMany(family => family.HeldOut.Select(
            code => new StudyLanguage(code, LanguageRole.HeldOut, family.Name))),
    ];
}

/// <summary>A model's score on one language.</summary>
public sealed record LanguageResult(
    StudyLanguage Language, double BitsPerByte, double Perplexity, long Tokens, long Bytes);

/// <summary>How far a layer group moved from the base.</summary>
/// <param name="Group">first, middle, last, or other for what is in no layer.</param>
/// <param name="OriginNorm">‖θ₀‖.</param>
/// <param name="Relative">‖θ − θ₀‖ / ‖θ₀‖.</param>
/// <param name="Rms">‖θ − θ₀‖ / √(number of elements).</param>
/// <param name="Cosine">Of weights against the base's.</param>
public sealed record DriftResult(string Group, double OriginNorm, double Relative, double Rms, double Cosine);

/// <summary>A model of a study and everything measured of it.</summary>
/// <param name="System">Null for the base.</param>
/// <param name="Family">Null for a model of all families.</param>
/// <param name="Device">What computed the scores.</param>
public sealed record ModelResult(
    string Name, ulong Seed, StudySystem? System, string? Family, string Device,
    IReadOnlyList<LanguageResult> Languages, IReadOnlyList<DriftResult> Drift);

/// <summary>The numbers of a study: all that tables and reports are made of.</summary>
/// <param name="Unigram">Bits per byte per base language of a token-unigram model of the base's training text.</param>
public sealed record StudyResults(
    string Name, string Tool, IReadOnlyList<ModelResult> Models, IReadOnlyDictionary<string, double> Unigram)
{
    /// <summary>All that computed scores: models may be evaluated on several machines.</summary>
    public string Device => string.Join(", ", Models.Select(model => model.Device).Distinct());

    /// <summary>Mean bits per byte of a system over the languages of a role, each family by its own model.</summary>
    /// <inheritdoc cref="Mean(StudyMeasure, StudySystem?, LanguageRole, string?)"/>
    public double Mean(StudySystem? system, LanguageRole role, string? family = null) =>
        Mean(StudyMeasure.BitsPerByte, system, role, family);

    /// <summary>Mean of a system over the languages of a role, each family by its own model.</summary>
    /// <remarks>
    /// A family's value is the mean over its languages, the system's the mean over families; base languages are
    /// averaged over the system's models too. Means over seeds last. family-cpt.md 4.5.
    /// </remarks>
    /// <param name="family">Null for the mean over all.</param>
    /// <returns>NaN where nothing was measured.</returns>
    public double Mean(StudyMeasure measure, StudySystem? system, LanguageRole role, string? family = null) =>
        Mean(measure, system, (model, language) => language.Role == role
            && (family is null || language.Family == family)
            && (role == LanguageRole.Base || model.Family is null || model.Family == language.Family));

    /// <summary>Mean of a system's family models over the held-in languages of families that are not
    /// theirs.</summary>
    /// <inheritdoc cref="Mean(StudyMeasure, StudySystem?, LanguageRole, string?)"/>
    public double MeanOfOtherFamilies(StudyMeasure measure, StudySystem? system) =>
        Mean(measure, system, (model, language) => language.Role == LanguageRole.HeldIn
            && model.Family is not null && model.Family != language.Family);

    private double Mean(StudyMeasure measure, StudySystem? system, Func<ModelResult, StudyLanguage, bool> counts)
    {
        double[] values = [.. Models.Where(model => model.System == system).SelectMany(model => model.Languages
            .Where(result => counts(model, result.Language))
            .GroupBy(result => result.Language.Family)
            .Select(family => family.Average(measure.Of)))];
        return values.Length == 0 ? double.NaN : values.Average();
    }
}
