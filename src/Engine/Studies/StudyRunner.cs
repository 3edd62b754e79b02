using System.Diagnostics;
using System.Globalization;
using System.Text;
using FastCpt.Engine.Files;
using FastCpt.Engine.Reports;

namespace FastCpt.Engine.Studies;

/// <summary>
/// Makes what is missing of a study, like make: in order, each artefact once, and its results at the end.
/// </summary>
public static class StudyRunner
{
    /// <param name="only">Names of artefacts to make, with what they are made from; empty for all.</param>
    /// <returns>The results; null while evaluations are missing because only some artefacts were asked for.</returns>
    /// <exception cref="RunException">What an artefact ends with; running again goes on from there.</exception>
    public static StudyResults? Run(StudyRun run, IReadOnlyList<string> only)
    {
        var graph = new StudyGraph(run.Config);
        IReadOnlyList<Artefact> wanted = graph.Only(only);
        Directory.CreateDirectory(run.ShardFolder);
        foreach (string folder in new[] { run.Config.OutputDir, run.ShardFolder })
            Resumably(run, "starting", () =>
            {
                using RunLock held = RunLock.Wait(folder, run.Stop);
                Leftovers.Sweep(folder, held, run.Files, run.Say);
            });
        int made = 0;
        foreach (Artefact artefact in wanted)
        {
            if (artefact.IsUpToDate)
                continue;
            run.Say($"[{wanted.Count(other => other.IsUpToDate) + 1}/{wanted.Count}] {artefact.Name}");
            long start = Stopwatch.GetTimestamp();
            Resumably(run, $"making {artefact.Name}", () =>
            {
                run.Stop.ThrowIfStopRequested(artefact.Name);
                artefact.Make(run);
            });
            made++;
            run.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"made {artefact.Name} in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s"));
        }

        if (!graph.Evaluations.All(evaluation => evaluation.IsUpToDate))
            return null;
        StudyResults results = Collect(run, graph);
        Resumably(run, "writing its results", () =>
        {
            using RunLock held = RunLock.Wait(run.Config.OutputDir, run.Stop);
            Write(run, StudyResultsFile.Name, Encoding.UTF8.GetBytes(StudyResultsFile.ToJson(results) + "\n"));
            Write(run, StudyReport.FileName, HtmlReport.Write(StudyReport.Of(results)));
        });

        if (made == 0)
            run.Say($"{run.Config.Name}: up to date, {wanted.Count} artefacts");
        return results;
    }

    private static void Write(StudyRun run, string name, byte[] bytes)
    {
        string path = Path.Combine(run.Config.OutputDir, name);
        if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
            AtomicFile.Write(path, bytes, run.Files);
    }

    /// <summary>A study keeps what it has made, so a stop is never the end of it.</summary>
    private static void Resumably(StudyRun run, string doing, Action work)
    {
        try
        {
            work();
        }
        catch (RunException exception)
            when (exception.Code is ExitCode.Resumable or ExitCode.Interrupted or ExitCode.Terminated)
        {
            throw new RunException(
                ExitCode.Resumable,
                $"{run.Config.Name}: stopped by {run.Stop.Reason} while {doing}. The same command goes on.",
                exception);
        }
    }

    private static StudyResults Collect(StudyRun run, StudyGraph graph) => new(
        run.Config.Name, ToolVersion.Text, [.. graph.Evaluations.Select(evaluation => evaluation.Load())],
        graph.Baseline?.Load() ?? new Dictionary<string, double>());
}
