using FastCpt.Engine.Alignment;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies;

/// <summary>What making artefacts needs beside the artefacts.</summary>
/// <param name="Config">Of the study.</param>
/// <param name="Stop">Polled by every long loop.</param>
/// <param name="Files">Tests put one in that fails or kills.</param>
/// <param name="Console">For lines to read.</param>
/// <param name="ShowsProgress">Whether these include one for every so many steps of training.</param>
public sealed record StudyRun(
    StudyConfig Config, StopSignal Stop, FileSystem Files, TextWriter Console, bool Quiet, bool ShowsProgress = true)
{
    public const string ShardFolderName = "shards";

    /// <summary>Token shards, shared by all systems, and the hashes of the files that all is made from.</summary>
    public string ShardFolder => Path.Combine(Config.OutputDir, ShardFolderName);

    /// <summary>A merge into a folder of the study.</summary>
    public MergeOutput MergeTo(string folder) => new(folder, Replace: true)
    {
        Memory = new FileHashes(ShardFolder), Warn = Say, Stop = Stop, FileSystem = Files,
    };

    public void Say(string message)
    {
        if (!Quiet)
            Console.WriteLine(message);
    }
}
