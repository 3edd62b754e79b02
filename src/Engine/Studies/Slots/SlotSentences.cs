using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>The sentences of a study as pieces, each partition encoded when it is first asked for.</summary>
/// <param name="maxTokens">Of a sentence; longer ones are cut.</param>
internal sealed class SlotSentences(SlotDataConfig data, Tokenizer tokenizer, int maxTokens, int threads)
{
    private readonly SentenceEncoder _encoder = new(tokenizer, maxTokens, threads);
    private readonly Dictionary<(string, Partition), SentenceSet> _sets = [];
    private (string Locale, IReadOnlyList<MassiveRow> Rows)? _last;

    /// <summary>K.</summary>
    public int Labels { get; } = LabelMap.Of(data.Labels).Count;

    /// <exception cref="RunException">Exit 3: the locale's file is refused.</exception>
    public SentenceSet Of(string locale, Partition partition)
    {
        if (_sets.TryGetValue((locale, partition), out SentenceSet? known))
            return known;
        MassiveLocale place = MassiveLocale.Of(locale);
        // Partitions of a locale are often asked for one after the other.
        if (_last?.Locale != locale)
            _last = (locale, Rows(data, locale));
        return _sets[(locale, partition)] =
            _encoder.Encode(place, partition, _last.Value.Rows, new SlotConversion(place, data.Labels));
    }

    /// <summary>The rows of a locale that a study takes, in the order of the file.</summary>
    /// <exception cref="RunException">Exit 3: the file is refused.</exception>
    public static IReadOnlyList<MassiveRow> Rows(SlotDataConfig data, string locale)
    {
        IReadOnlyList<MassiveRow> all = MassiveFile.Read(data.FileOf(locale), MassiveLocale.Of(locale));
        return [.. Enum.GetValues<Partition>().SelectMany(partition =>
        {
            int most = partition switch
            {
                Partition.Train => data.TrainRows,
                Partition.Dev => data.DevRows,
                _ => data.TestRows,
            };
            return all.Where(row => row.Partition == partition).Take(most > 0 ? most : int.MaxValue);
        })];
    }
}
