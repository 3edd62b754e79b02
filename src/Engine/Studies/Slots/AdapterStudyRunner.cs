using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Reports;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Makes what is missing of a study of adapters, and its results at the end.</summary>
public static class AdapterStudyRunner
{
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
                MostTogether = config.ParallelAdapters, AfterMaking = () => graph.Tidy(run),
            };
            work.MakeAll();
            graph.Tidy(run);
            if (!graph.Artefacts.All(artefact => artefact.IsUpToDate))
                return null;
            AdapterStudyResults results = Collect(config, graph);
            (string Name, byte[] Bytes)[] matrices = [.. StudyMatrices.Of(config, results)];
            work.WriteResults(
                [
                    .. matrices,
                    (StudyResultsFile.Name, Encoding.UTF8.GetBytes(AdapterResultsFile.ToText(results))),
                    (StudyReport.FileName, HtmlReport.Write(AdapterStudyReport.Of(results))),
                ],
                StudyMatrices.Stale(run.OutputDir, [.. matrices.Select(matrix => matrix.Name)]));
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
        SingleResult[] monos =
        [
            .. graph.Monos.GroupBy(mono => mono.Seed).Select(seed => Single(
                SharingStrategy.Mono, null, seed.Key, seed.Select(mono => mono.Scores.State),
                seed.ToDictionary(mono => mono.Locale, mono => mono.Scores.Load().Test[mono.Locale]))),
        ];
        SingleResult[] multis =
        [
            .. graph.Multis.Select(multi => Single(
                SharingStrategy.Multi, null, multi.Key, [multi.Value.State], multi.Value.Load().Test)),
        ];
        SingleResult[] fusions =
        [
            .. graph.Fusions.GroupBy(fusion => (fusion.Rank, fusion.Seed)).Select(group => Single(
                SharingStrategy.Fusion, group.Key.Rank, group.Key.Seed,
                [.. group.First().Scores.State.Fused, .. group.Select(fusion => fusion.Scores.State)],
                group.ToDictionary(fusion => fusion.Locale, fusion => fusion.Scores.Load().Test[fusion.Locale]))),
        ];
        IReadOnlyList<StudyLocale> languages = graph.Languages.Load();
        return new AdapterStudyResults(
            config.Name, ToolVersion.Text,
            string.Join(", ", untrained.Values.Select(result => result.Device).Distinct()),
            StudyNotes.Of(config, EncoderOf(graph), languages), languages, monos, multis,
            [.. graph.Sequences.Select(sequence => new SequenceResult(
                sequence.Strategy, sequence.Rank, sequence.Seed, sequence.Order,
                sequence.Locales.Select(sequence.AdapterOf).Distinct().Count()
                    * sequence.Scores[^1].State.Load().BodyParameters,
                sequence.Matrix(untrained[sequence.Seed], config.Untrained), sequence.StrictAtEnd()))])
        {
            Config = config.OfNumbers(config.OutputDir).ToYaml(),
            Fusions = fusions,
        };

        // States: what parameters are counted of.
        SingleResult Single(
            SharingStrategy strategy, int? rank, ulong seed, IEnumerable<LearnedState> states,
            IReadOnlyDictionary<string, SlotScore> scores) => new(
            strategy, seed, states.Sum(state => state.Load().BodyParameters),
            config.Data.Locales.ToDictionary(locale => locale, locale => scores[locale].F1),
            config.Data.Locales.ToDictionary(locale => locale, locale => scores[locale].StrictF1)) { Rank = rank };
    }

    private static EncoderConfig EncoderOf(AdapterStudyGraph graph) =>
        (EncoderConfig)ModelConfigReader.Read(
            Path.Combine(graph.Encoder.ModelFolder, ModelConfigReader.FileName)).Config; // the session refuses others
}
