using System.Text;

namespace FastCpt.Engine.Files;

/// <summary>Names for what is being written or deleted, and the removal of what a crash left under them.</summary>
/// <remarks>
/// Such a name is .tmp- or .trash-, a tag of the host, 11 random characters, and the start of the final name. A name
/// with another host's tag may belong to a process that runs there, where file locks do not reach: it is left alone.
/// </remarks>
internal static class Leftovers
{
    private const int MaxNameBytes = 200;    // names end at 255 bytes on common file systems

    private static readonly string HostTag =
        $"{Crc32C.Of(Encoding.UTF8.GetBytes(Environment.MachineName)):x8}";

    /// <summary>A name in the same folder for what will be renamed to a path.</summary>
    public static string TemporaryFor(string path) => Unique(path, ".tmp");

    /// <summary>A name in the same folder for what is about to be deleted.</summary>
    public static string TrashFor(string path) => Unique(path, ".trash");

    /// <summary>The one name in the same folder for what a path held, until what takes its place is there.</summary>
    /// <remarks>It stands by itself: any later process finds it, and no sweep takes it for rubbish.</remarks>
    public static string AsideFor(string path)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        return Beside(path, $".old-{Crc32C.Of(Encoding.UTF8.GetBytes(name)):x8}");
    }

    /// <summary>Deletes what earlier processes on this host left in a folder.</summary>
    /// <param name="held">Proof that no other process is writing there.</param>
    /// <param name="log">Told what is removed, what cannot be, and what belongs to another host.</param>
    public static void Sweep(string folder, RunLock held, FileSystem fileSystem, Action<string> log)
    {
        ArgumentNullException.ThrowIfNull(held);
        foreach (FileSystemInfo entry in new DirectoryInfo(folder).GetFileSystemInfos())
        {
            if (TagOf(entry.Name) is not { } tag)
                continue;
            if (tag != HostTag)
            {
                log($"{entry.FullName}: left by another host. Delete it when no run on that host uses {folder}.");
                continue;
            }
            try
            {
                if (entry is DirectoryInfo && entry.LinkTarget is null)
                    fileSystem.DeleteFolder(entry.FullName);
                else
                    fileSystem.DeleteFile(entry.FullName);
                log($"{entry.FullName}: removed; a run that was cut short had left it.");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                log($"{entry.FullName}: left by a run that was cut short, and cannot be removed: {e.Message}");
            }
        }
    }

    private static string Unique(string path, string prefix) =>
        Beside(path, $"{prefix}-{HostTag}-{Path.GetRandomFileName()}");

    private static string Beside(string path, string prefix)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string folder = Path.GetDirectoryName(full)
            ?? throw new ArgumentException($"'{path}' is a root folder.", nameof(path));
        string name = Path.GetFileName(full);
        while (Encoding.UTF8.GetByteCount(name) > MaxNameBytes)
            name = name[..^1];
        return Path.Combine(folder, $"{prefix}-{name}");
    }

    /// <returns>The host's tag of a name of ours; null for any other name.</returns>
    private static string? TagOf(string name)
    {
        string[] parts = name.Split('-', 4);
        bool isOurs = parts is [".tmp" or ".trash", { Length: 8 } host, { Length: 12 } random, { Length: > 0 }]
            && host.All(char.IsAsciiHexDigitLower) && random[8] == '.'
            && random.Where(c => c != '.').All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c));
        return isOurs ? parts[1] : null;
    }
}
