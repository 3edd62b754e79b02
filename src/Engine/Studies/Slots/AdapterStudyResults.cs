using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>One sequence of languages and the matrix that it came to.</summary>
/// <param name="Rank">Null where whole models are trained.</param>
/// <param name="Seed">Of the run.</param>
/// <param name="Parameters">Numbers that are trained and kept in the end, heads left out.</param>
/// <param name="StrictAtEnd">F1 of strictly read labels after the last step, by locale.</param>
public sealed record SequenceResult(
    SharingStrategy Strategy, int? Rank, ulong Seed, string Order, long Parameters, TransferMatrix Matrix,
    IReadOnlyDictionary<string, double> StrictAtEnd)
{
    /// <summary>What reports call the system, whatever its seed and order.</summary>
    public string System => StrategyTitle.Of(Strategy, Rank);
}

/// <summary>Scores of one model of all languages, or of models of one language each.</summary>
/// <param name="F1">By locale, from 0 to 1.</param>
/// <param name="StrictF1">Of strictly read labels.</param>
public sealed record SingleResult(
    SharingStrategy Strategy, ulong Seed, long Parameters, IReadOnlyDictionary<string, double> F1,
    IReadOnlyDictionary<string, double> StrictF1)
{
    /// <summary>Of what is fused; null where whole models are trained.</summary>
    public int? Rank { get; init; }

    /// <summary>What reports call the system.</summary>
    public string System => StrategyTitle.Of(Strategy, Rank);

    /// <summary>Mean over locales.</summary>
    public double Average => F1.Values.Average();
}

/// <summary>The numbers of a study of adapters: all that tables and reports are made of.</summary>
/// <param name="Notes">How the study differs from the one that it is modelled on, a sentence each.</param>
/// <param name="Monos">One for each seed.</param>
/// <param name="Multis">One for each seed.</param>
public sealed record AdapterStudyResults(
    string Name, string Tool, string Device, IReadOnlyList<string> Notes, IReadOnlyList<StudyLocale> Locales,
    IReadOnlyList<SingleResult> Monos, IReadOnlyList<SingleResult> Multis, IReadOnlyList<SequenceResult> Sequences)
{
    /// <summary>The settings that the numbers depend on, as YAML, paths from where the results are; empty in results
    /// of before they were kept.</summary>
    public string Config { get; init; } = "";

    /// <summary>Fusions of bottlenecks, one for each rank and seed.</summary>
    public IReadOnlyList<SingleResult> Fusions { get; init; } = [];

    /// <summary>What is no sequence.</summary>
    public IEnumerable<SingleResult> Singles => [.. Monos, .. Multis, .. Fusions];

    /// <summary>Range, over MONO's seeds, of its average score on some languages; null with fewer than two.</summary>
    /// <remarks>A difference of the same languages that is not above it is not visible.</remarks>
    public double? SpreadOver(IReadOnlyCollection<string> locales)
    {
        if (Monos.Count < 2 || locales.Count == 0)
            return null;
        double[] means = [.. Monos.Select(mono => locales.Average(locale => mono.F1[locale]))];
        return means.Max() - means.Min();
    }

    /// <summary>Systems that are sequences, by strategy and rank, in the order of the study.</summary>
    public IEnumerable<IGrouping<string, SequenceResult>> Systems =>
        Sequences.GroupBy(sequence => sequence.System);

    public IEnumerable<string> Orders => Sequences.Select(sequence => sequence.Order).Distinct();

    /// <summary>MONO's scores of a seed, else of any.</summary>
    public IReadOnlyDictionary<string, double> MonoOf(ulong seed) => Of(Monos, seed);

    /// <inheritdoc cref="MonoOf"/>
    public IReadOnlyDictionary<string, double> MultiOf(ulong seed) => Of(Multis, seed);

    private static IReadOnlyDictionary<string, double> Of(IReadOnlyList<SingleResult> all, ulong seed) =>
        (all.FirstOrDefault(one => one.Seed == seed) ?? all.FirstOrDefault())?.F1 ?? new Dictionary<string, double>();
}
