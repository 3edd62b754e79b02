using FastCpt.Engine.Files;

namespace FastCpt.Engine.Alignment;

/// <summary>Where a merge goes and who is told of it.</summary>
/// <param name="Folder">The new model folder; its parent is created.</param>
/// <param name="Replace">Whether a folder that is there is replaced, once the new one is complete.</param>
public sealed record MergeOutput(string Folder, bool Replace = false)
{
    /// <summary>Told the bytes that are written and those that will be.</summary>
    public Action<long, long>? Progress { get; init; }

    /// <summary>Told what is odd and does no harm.</summary>
    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>Remembers the hashes of input files; by default in hashes.json beside the new folder.</summary>
    public FileHashes Memory { get; init; } =
        new(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Folder))) ?? Folder);

    public StopSignal? Stop { get; init; }

    public FileSystem? FileSystem { get; init; }
}
