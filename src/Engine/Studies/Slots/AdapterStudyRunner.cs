using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Reports;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Makes what is missing of a study of adapters, and its results at the end.</summary>
public static class AdapterStudyRunner
{
    private const string MatrixFolder = "matrices";

    /// <param name="only">Names of artefacts to make, with what they are made from; empty for all.</param>
    /// <returns>The results; null while states are missing because only some artefacts were asked for.</returns>
    /// <exception cref="RunException">What an artefact ends with; running again goes on from there.</exception>
    public static AdapterStudyResults? Run(AdapterStudyConfig config, StudyRun run, IReadOnlyList<string> only)
    {
        SlotSession? session = null;
        try
        {
            var graph = new AdapterStudyGraph(config, self => session ??= new SlotSession(
                config, self.Tokenizer.Location, self.Encoder.ModelFolder, run));
            var work = new StudyWork(run, graph.Only(only))
            {
                MostTogether = config.ParallelAdapters, AfterMaking = () => graph.DropModels(run),
            };
            work.MakeAll();
            graph.DropModels(run);
            if (!graph.Artefacts.All(artefact => artefact.IsUpToDate))
                return null;
            AdapterStudyResults results = Collect(config, graph);
            WriteMatrices(config, results, run);
            work.WriteResults(
                (StudyResultsFile.Name, Encoding.UTF8.GetBytes(AdapterResultsFile.ToText(results))),
                (StudyReport.FileName, HtmlReport.Write(AdapterStudyReport.Of(results))));
            return results;
        }
        finally
        {
            session?.Dispose();
        }
    }

    private static AdapterStudyResults Collect(AdapterStudyConfig config, AdapterStudyGraph graph)
    {
        var untrained = graph.Untrained.ToDictionary(pair => pair.Key, pair => pair.Value.Load());
        SingleResult[] monos = [.. graph.Monos.GroupBy(mono => mono.Seed).Select(seed =>
        {
            var results = seed.ToDictionary(mono => mono.Locale, mono => mono.State.Load());
            return new SingleResult(
                SharingStrategy.Mono, seed.Key, results.Values.Sum(result => result.BodyParameters),
                results.ToDictionary(pair => pair.Key, pair => pair.Value.Scores[pair.Key].F1));
        })];
        SingleResult[] multis = [.. graph.Multis.Select(pair => (pair.Key, Result: pair.Value.Load())).Select(
            multi => new SingleResult(
                SharingStrategy.Multi, multi.Key, multi.Result.BodyParameters,
                config.Data.Locales.ToDictionary(locale => locale, locale => multi.Result.Scores[locale].F1)))];
        return new AdapterStudyResults(
            config.Name, ToolVersion.Text,
            string.Join(", ", untrained.Values.Select(result => result.Device).Distinct()),
            Locales(config, graph), monos, multis,
            [.. graph.Sequences.Select(sequence => new SequenceResult(
                sequence.Strategy, sequence.Rank, sequence.Seed, sequence.Order,
                sequence.Locales.Select(sequence.AdapterOf).Distinct().Count()
                    * sequence.States[^1].Load().BodyParameters,
                sequence.Matrix(untrained[sequence.Seed], config.Untrained)))]);
    }

    private static StudyLocale[] Locales(AdapterStudyConfig config, AdapterStudyGraph graph)
    {
        Tokenizer tokenizer = Tokenizer.Load(graph.Tokenizer.Location);
        var sentences = new SlotSentences(config.Data, tokenizer, config.Data.MaxLength, config.Threads);
        PieceCounts[] counts = [.. config.Data.Locales.Select(
            locale => PieceCounts.Of(sentences.Of(locale, Partition.Train), tokenizer))];
        return [.. counts.Select(one =>
        {
            MassiveLocale locale = MassiveLocale.Of(one.Locale);
            return new StudyLocale(
                locale.Code, locale.Script, locale.Family, locale.JoshiClass, one.Fertility, one.UnknownShare,
                new Dictionary<string, double?>
                {
                    ["jaccard"] = VocabularyOverlap.WithOthers(one, counts, VocabularyOverlap.Jaccard),
                    ["coverage"] = VocabularyOverlap.WithOthers(one, counts, VocabularyOverlap.Coverage),
                    ["weighted coverage"] =
                        VocabularyOverlap.WithOthers(one, counts, VocabularyOverlap.WeightedCoverage),
                });
        })];
    }

    private static void WriteMatrices(AdapterStudyConfig config, AdapterStudyResults results, StudyRun run)
    {
        string folder = Path.Combine(run.OutputDir, MatrixFolder);
        Directory.CreateDirectory(folder);
        foreach (SequenceResult sequence in results.Sequences)
        {
            string rank = sequence.Rank is { } number ? $"-r{number}" : "";
            TransferFile.Save(
                Path.Combine(
                    folder, $"{EnumWord.Of(sequence.Strategy)}{rank}-{sequence.Order}-seed-{sequence.Seed}.json"),
                new TransferRecord(
                    sequence.Matrix, sequence.Order, sequence.Strategy, sequence.Rank,
                    config.InitSeed ?? sequence.Seed, config.DataSeed ?? sequence.Seed, OrderSeed: null,
                    config.Data.Labels, config.Untrained));
        }
    }
}
