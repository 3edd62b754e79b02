using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training;

/// <summary>
/// A training run from a configuration to a model folder: fresh, or from the newest checkpoint of its folder.
/// </summary>
/// <remarks>
/// The folder: run.json (what was asked for), parameters.json (what becomes of each), metrics.jsonl and tb/ (what
/// happened), checkpoints/, shards/ unless they are kept elsewhere, and final/, which exists when the run is done.
/// </remarks>
public static class TrainingRun
{
    public const string FinalFolderName = "final";

    /// <summary>Runs to the end.</summary>
    /// <returns>False when the folder held the finished run already.</returns>
    /// <exception cref="RunException">Exit 75: stopped, the same call goes on. Otherwise what went wrong.</exception>
    public static bool Execute(RunConfig config, TrainingOptions options)
    {
        OutputFolder.Prepare(config.OutputDir);
        using RunLock runLock = RunLock.Take(config.OutputDir);
        RunConfig? earlier = RunRecord.Load(config.OutputDir);
        if (earlier is not null)
            ResumePolicy.RequireSame(earlier, config, config.OutputDir);
        // A run keeps the precision that it began with.
        config = config with { Precision = earlier?.Precision ?? Precisions.Resolve(config.Precision) };
        if (Directory.Exists(Path.Combine(config.OutputDir, FinalFolderName)) && earlier is not null)
        {
            ResumePolicy.RequireSameLength(earlier, config, config.OutputDir);
            return false;
        }

        int attempt = RunRecord.NextAttempt(config.OutputDir);
        using var log = new RunLog(
            config.OutputDir, RunId(config), attempt, options.Console, options.Quiet, options.ShowsProgress);
        AtomicFile.Sweep(config.OutputDir, runLock, log.Say, options.Files);
        using var session = new TrainingSession(config, options, log);
        session.Record(attempt);
        try
        {
            session.Train(runLock, attempt);
        }
        catch (DeviceException exception)
        {
            throw new RunException(ExitCode.Resources, exception.Message, exception);
        }

        return true;
    }

    private static string RunId(RunConfig config) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(config.OutputDir));
}
