using FastCpt.Engine.Alignment;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies;

/// <summary>What making artefacts needs beside the artefacts.</summary>
/// <param name="Name">Of the study.</param>
/// <param name="OutputDir">Folder of everything that the study makes.</param>
/// <param name="Stop">Polled by every long loop.</param>
/// <param name="Files">Tests put one in that fails or kills.</param>
/// <param name="Console">For lines to read.</param>
/// <param name="ShowsProgress">Whether these include one for every so many steps of training.</param>
public sealed record StudyRun(
    string Name, string OutputDir, StopSignal Stop, FileSystem Files, TextWriter Console, bool Quiet,
    bool ShowsProgress = true)
{
    public StudyRun(
        StudyConfig config, StopSignal stop, FileSystem files, TextWriter console, bool quiet,
        bool showsProgress = true)
        : this(config.Name, config.OutputDir, stop, files, console, quiet, showsProgress)
    {
    }

    public StudyRun(
        AdapterStudyConfig config, StopSignal stop, FileSystem files, TextWriter console, bool quiet,
        bool showsProgress = true)
        : this(config.Name, config.OutputDir, stop, files, console, quiet, showsProgress)
    {
    }

    public const string ShardFolderName = "shards";

    /// <summary>Token shards, shared by all systems, and the hashes of the files that all is made from.</summary>
    public string ShardFolder => Path.Combine(OutputDir, ShardFolderName);

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
