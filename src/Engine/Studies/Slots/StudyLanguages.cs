using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What a study's languages are like to its encoder: pieces, overlaps, and the baseline of each.</summary>
/// <remarks>Kept, so that a study that is up to date encodes nothing to say so.</remarks>
internal sealed class StudyLanguages(
    AdapterStudyConfig config, Func<SlotSession> session, IReadOnlyList<Artefact> inputs)
    : Artefact("languages", config.OutputDir, inputs)
{
    private const string FileName = "languages.json";

    /// <exception cref="RunException">Exit 3: the file of a complete artefact was changed by hand.</exception>
    public IReadOnlyList<StudyLocale> Load()
    {
        string path = Path.Combine(Folder, FileName);
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config);
        try
        {
            return [.. json.RootElement.EnumerateArray().Select(StudyLocale.Read)];
        }
        catch (Exception exception)
            when (exception is InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new RunException(
                ExitCode.Config, $"{path}: these are not the languages of a study: {exception.Message}", exception);
        }
    }

    protected override JsonObject Recipe()
    {
        JsonObject data = (JsonObject)config.ToJson()["data"]!.DeepClone(); // written by ToJson
        data.Remove("files");
        return new JsonObject
        {
            ["data"] = data,
            ["sentences"] = new JsonArray([.. config.Data.Locales.Select(
                locale => (JsonNode)$"{locale} {HashOf(config.Data.FileOf(locale))}")]),
            ["counts_sentences"] = true,        // what was made without is made again
        };
    }

    protected override void MakeContent(StudyRun run)
    {
        SlotSession here = session();
        PieceCounts[] counts = [.. config.Data.Locales.Select(
            locale => PieceCounts.Of(here.Sentences.Of(locale, Partition.Train), here.Pieces))];
        var languages = new JsonArray();
        foreach (PieceCounts one in counts)
        {
            run.Stop.ThrowIfStopRequested($"counting the pieces of {one.Locale}");
            languages.Add((JsonNode)Of(one, counts, here).ToJson());
        }

        AtomicFile.Write(
            Path.Combine(Folder, FileName), Encoding.UTF8.GetBytes(languages.ToJsonString() + "\n"), run.Files);
    }

    private StudyLocale Of(PieceCounts one, PieceCounts[] all, SlotSession here)
    {
        MassiveLocale locale = MassiveLocale.Of(one.Locale);
        SentenceSet[] sets =
            [.. Enum.GetValues<Partition>().Select(partition => here.Sentences.Of(one.Locale, partition))];
        SentenceSet test = sets[2];
        return new StudyLocale(
            locale.Code, locale.Script, locale.Family, locale.JoshiClass, MajorityF1(locale), one.Fertility,
            PieceCounts.Of(test, here.Pieces).UnknownShare, sets.Sum(set => set.DroppedPieces),
            sets.Sum(set => set.CutWords), sets.Sum(set => set.WordsWithoutPieces),
            new Dictionary<string, double?>
            {
                ["jaccard"] = VocabularyOverlap.WithOthers(one, all, VocabularyOverlap.Jaccard),
                ["coverage of others"] = VocabularyOverlap.WithOthers(one, all, VocabularyOverlap.Coverage),
                ["coverage by others"] = VocabularyOverlap.WithOthers(
                    one, all, (own, other) => VocabularyOverlap.Coverage(other, own)),
                ["weighted coverage of others"] =
                    VocabularyOverlap.WithOthers(one, all, VocabularyOverlap.WeightedCoverage),
                ["weighted coverage by others"] = VocabularyOverlap.WithOthers(
                    one, all, (own, other) => VocabularyOverlap.WeightedCoverage(other, own)),
            })
        {
            Sentences = new SentenceCounts(sets[0].Count, sets[1].Count, test.Count),
        };
    }

    private double MajorityF1(MassiveLocale locale)
    {
        IReadOnlyList<MassiveRow> rows = SlotSentences.Rows(config.Data, locale.Code);
        var conversion = new SlotConversion(locale, config.Data.Labels);
        return new MajorityLabels(Words(Partition.Train)).Measure(
            Words(Partition.Test), SlotF1.ScoringOf(config.Data.Labels));

        IEnumerable<LabelledWords> Words(Partition partition) =>
            rows.Where(row => row.Partition == partition).Select(conversion.Convert);
    }
}
