using System.Globalization;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What the study of 2025 found, held against our numbers. lora-sharing.md 6.</summary>
/// <remarks>
/// Only runs of the same languages in the same orders are compared, and the spread that a difference has to exceed is
/// that of MONO's seeds over the languages that the difference is of.
/// </remarks>
/// <param name="Holds">Null where the difference is not above the spread of MONO's seeds.</param>
public sealed record AdapterStudyFinding(string Statement, bool? Holds)
{
    public static IReadOnlyList<AdapterStudyFinding> Of(AdapterStudyResults results)
    {
        ComparedSystem[] systems = [.. ComparedSystem.Of(results)];
        return [.. StrategyFindings.Of(results, systems), .. LanguageFindings.Of(results, systems)];
    }

    /// <summary>That a difference is above 0.</summary>
    /// <param name="spread">Of MONO's seeds over the same languages; null where there are not two.</param>
    internal static AdapterStudyFinding Above(string statement, double difference, double? spread) => new(
        Judged(statement, spread),
        spread is { } noise && Math.Abs(difference) <= noise ? null : difference > 0);

    /// <summary>That a difference is there, in whichever direction; that there is none cannot be shown.</summary>
    internal static AdapterStudyFinding Apart(string statement, double difference, double? spread) => new(
        Judged(statement, spread), spread is { } noise && Math.Abs(difference) > noise ? true : null);

    /// <summary>That a difference, in whichever direction, is less than some amount.</summary>
    internal static AdapterStudyFinding Below(string statement, double difference, double most, double? spread)
    {
        double size = Math.Abs(difference), noise = spread ?? 0;
        return new AdapterStudyFinding(
            Judged(statement, spread), size + noise < most ? true : size - noise >= most ? false : null);
    }

    /// <summary>A share of 1 in points.</summary>
    internal static string Points(double share) => (100 * share).ToString("F2", CultureInfo.InvariantCulture);

    private static string Judged(string statement, double? spread) => spread is { } noise
        ? $"{statement}; the spread of MONO's seeds over the same languages is {Points(noise)}."
        : $"{statement}; no spread of seeds is known.";
}
