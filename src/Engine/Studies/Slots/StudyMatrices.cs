using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>R of every sequence of a study, a file each.</summary>
internal static class StudyMatrices
{
    /// <summary>Within the study's.</summary>
    private const string Folder = "matrices";

    private static readonly string[] Strategies =
        [.. Enum.GetValues<SharingStrategy>().Select(strategy => $"{EnumWord.Of(strategy)}-")];

    /// <summary>Paths within the study's folder, and what belongs there.</summary>
    public static IEnumerable<(string Name, byte[] Bytes)> Of(AdapterStudyConfig config, AdapterStudyResults results) =>
        results.Sequences.Select(sequence => (
            Path.Combine(Folder, NameOf(sequence)),
            TransferFile.ToBytes(new TransferRecord(
                sequence.Matrix, sequence.Order, sequence.Strategy, sequence.Rank,
                config.InitSeedOf(sequence.Seed), config.DataSeedOf(sequence.Seed), OrderSeed(sequence.Order),
                config.Data.Labels, config.Untrained))));

    /// <summary>Files of sequences that an earlier setting of the study had.</summary>
    /// <param name="names">Of those that belong there.</param>
    public static IReadOnlyList<string> Stale(string studyFolder, IReadOnlyCollection<string> names)
    {
        string folder = Path.Combine(studyFolder, Folder);
        return !Directory.Exists(folder)
            ? []
            : [.. Directory.EnumerateFiles(folder, "*-seed-*.json")
                .Where(path => Strategies.Any(word => Path.GetFileName(path).StartsWith(word, StringComparison.Ordinal))
                    && !names.Contains(Path.GetRelativePath(studyFolder, path)))];
    }

    private static string NameOf(SequenceResult sequence)
    {
        string rank = sequence.Rank is { } number ? FormattableString.Invariant($"-r{number}") : "";
        return FormattableString.Invariant(
            $"{EnumWord.Of(sequence.Strategy)}{rank}-{sequence.Order}-seed-{sequence.Seed}.json");
    }

    /// <summary>What an order was drawn with; null where it was not drawn.</summary>
    private static ulong? OrderSeed(string order) => order switch
    {
        "p1" => 1,
        "p2" => 2,
        "p3" => 3,
        _ => null,
    };
}
