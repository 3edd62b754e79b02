using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Reports;

namespace FastCpt.Engine.Studies;

/// <summary>
/// Makes what is missing of a study of families, in order, each artefact once, and its results at the end.
/// </summary>
public static class StudyRunner
{
    /// <param name="only">Names of artefacts to make, with what they are made from; empty for all.</param>
    /// <returns>The results; null while evaluations are missing because only some artefacts were asked for.</returns>
    /// <exception cref="RunException">What an artefact ends with; running again goes on from there.</exception>
    public static StudyResults? Run(StudyConfig config, StudyRun run, IReadOnlyList<string> only)
    {
        var graph = new StudyGraph(config);
        var work = new StudyWork(run, graph.Only(only));
        work.MakeAll();
        if (!graph.Evaluations.All(evaluation => evaluation.IsUpToDate))
            return null;
        var results = new StudyResults(
            config.Name, ToolVersion.Text, [.. graph.Evaluations.Select(evaluation => evaluation.Load())],
            graph.Baseline?.Load() ?? new Dictionary<string, double>());
        work.WriteResults(
        [
            (StudyResultsFile.Name, Encoding.UTF8.GetBytes(StudyResultsFile.ToJson(results) + "\n")),
            (StudyReport.FileName, HtmlReport.Write(StudyReport.Of(results))),
        ]);
        return results;
    }
}
