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
        SingleResult[] monos = [.. graph.Monos.GroupBy(mono => mono.Seed).Select(seed =>
        {
            var scores = seed.ToDictionary(mono => mono.Locale, mono => mono.Scores.Load().Test[mono.Locale]);
            return new SingleResult(
                SharingStrategy.Mono, seed.Key, seed.Sum(mono => mono.Scores.State.Load().BodyParameters),
                scores.ToDictionary(pair => pair.Key, pair => pair.Value.F1),
                scores.ToDictionary(pair => pair.Key, pair => pair.Value.StrictF1));
        })];
        SingleResult[] multis = [.. graph.Multis.Select(multi =>
        {
            IReadOnlyDictionary<string, SlotScore> scores = multi.Value.Load().Test;
            return new SingleResult(
                SharingStrategy.Multi, multi.Key, multi.Value.State.Load().BodyParameters,
                config.Data.Locales.ToDictionary(locale => locale, locale => scores[locale].F1),
                config.Data.Locales.ToDictionary(locale => locale, locale => scores[locale].StrictF1));
        })];
        IReadOnlyList<StudyLocale> languages = graph.Languages.Load();
        return new AdapterStudyResults(
            config.Name, ToolVersion.Text,
            string.Join(", ", untrained.Values.Select(result => result.Device).Distinct()),
            StudyNotes.Of(config, EncoderOf(graph), languages), languages, monos, multis,
            [.. graph.Sequences.Select(sequence => new SequenceResult(
                sequence.Strategy, sequence.Rank, sequence.Seed, sequence.Order,
                sequence.Locales.Select(sequence.AdapterOf).Distinct().Count()
                    * sequence.Scores[^1].State.Load().BodyParameters,
                sequence.Matrix(untrained[sequence.Seed], config.Untrained), sequence.StrictAtEnd()))]);
    }

    private static EncoderConfig EncoderOf(AdapterStudyGraph graph) =>
        (EncoderConfig)ModelConfigReader.Read(
            Path.Combine(graph.Encoder.ModelFolder, ModelConfigReader.FileName)).Config; // the session refuses others
}
