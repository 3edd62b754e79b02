using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Studies.Slots;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Results of a study that are written down, to hold findings and reports to.</summary>
internal static class WrittenResults
{
    /// <summary>Languages of seven, in the order in which runs learn them where nothing else is said.</summary>
    public static readonly string[] Locales = ["en-US", "de-DE", "sw-KE", "hi-IN", "zh-CN", "ja-JP", "th-TH"];

    /// <param name="monos">A score of every language for each seed.</param>
    /// <param name="multi">A score of every language; null where there is no such model.</param>
    public static AdapterStudyResults Of(
        IReadOnlyList<double> monos, double? multi, params IReadOnlyList<SequenceResult> runs)
    {
        string[] locales = [.. Locales.Where(code => runs.Any(run => run.Matrix.Locales.Contains(code)))];
        return new AdapterStudyResults(
            "written", "1.0", "cpu", ["Only a test."], [.. locales.Select(Locale)],
            [.. monos.Select((score, i) => Single(SharingStrategy.Mono, (ulong)i + 1, score))],
            multi is { } f1 ? [Single(SharingStrategy.Multi, 1, f1)] : [], runs);

        SingleResult Single(SharingStrategy strategy, ulong seed, double score) =>
            new(strategy, seed, 400, Scores(locales, _ => score), Scores(locales, _ => score / 2));
    }

    /// <summary>A run in which a language that is learned has one score, and afterwards another.</summary>
    /// <param name="learned">By locale.</param>
    /// <param name="later">By locale, in every later step; before it is learned a language has 0.1.</param>
    public static SequenceResult Run(
        SharingStrategy strategy, int? rank, string order, Func<string, double> learned, Func<string, double> later,
        params IReadOnlyList<string> locales)
    {
        var r = new TransferMatrix(locales.Count == 0 ? Locales : locales);
        for (int step = 0; step <= r.Count; step++)
            for (int position = 1; position <= r.Count; position++)
                r[step, position] = step < position ? 0.1
                    : (step == position ? learned : later)(r.Locales[position - 1]);
        return new SequenceResult(strategy, rank, 1, order, 10, r, Scores(r.Locales, _ => 0.25));
    }

    public static Dictionary<string, double> Scores(IReadOnlyList<string> locales, Func<string, double> score) =>
        locales.ToDictionary(locale => locale, score);

    public static StudyLocale Locale(string code)
    {
        MassiveLocale place = MassiveLocale.Of(code);
        return new StudyLocale(
            code, place.Script, place.Family, place.JoshiClass, 0.3, 1.5, 0, 3, 2, 1,
            new Dictionary<string, double?> { ["jaccard"] = 0.001 * code[0], ["coverage by others"] = 0.5 })
        {
            Sentences = SentenceCounts.Massive,
        };
    }
}
