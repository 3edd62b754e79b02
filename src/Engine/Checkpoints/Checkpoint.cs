using System.Globalization;
using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Checkpoints;

/// <summary>A complete checkpoint on disk: a folder step-00001200 with a manifest.</summary>
public sealed class Checkpoint
{
    internal Checkpoint(
        string path, long step, CheckpointFacts facts, JsonElement state, IReadOnlyList<FileDigest> files) =>
        (Path, Step, Facts, State, Files) = (path, step, facts, state, files);

    public string Path { get; }

    /// <summary>Optimizer updates done.</summary>
    public long Step { get; }

    public CheckpointFacts Facts { get; }

    /// <summary>The object that the run wrote.</summary>
    public JsonElement State { get; }

    public IReadOnlyList<FileDigest> Files { get; }

    /// <summary>Bytes of all files.</summary>
    public long TotalBytes => Files.Sum(file => file.Bytes);

    /// <summary>Whether every file is there with its length; a quick look that reads no file.</summary>
    internal bool HasAllFiles => Files.All(file =>
        new FileInfo(System.IO.Path.Combine(Path, file.Name)) is { Exists: true } info && info.Length == file.Bytes);

    /// <summary>Opens one folder to look at it; nothing is compared yet.</summary>
    /// <returns>Null if the folder has no manifest, so is no checkpoint.</returns>
    /// <exception cref="RunException">Exit code 4: the manifest is damaged, or is of another step.</exception>
    public static Checkpoint? Open(string folder)
    {
        if (!File.Exists(System.IO.Path.Combine(folder, CheckpointManifest.FileName)))
            return null;
        string name = System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(
            System.IO.Path.GetFullPath(folder)));
        return long.TryParse(name.Split('-')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out long step)
            ? CheckpointManifest.Read(folder, step)
            : throw new RunException(ExitCode.ModelFile,
                $"{folder}: has the manifest of a checkpoint, expected a folder named step- and the step.");
    }

    /// <summary>Compares every file with the manifest.</summary>
    /// <param name="full">By SHA-256 as well, not only by length and CRC.</param>
    /// <returns>The reason why it cannot be used; null if it can.</returns>
    public string? WhyNot(bool full = false) =>
        Files.Select(file => file.WhyNot(Path, full)).FirstOrDefault(reason => reason is not null);
}
