namespace FastCpt.Engine.Files;

/// <summary>Writes a file so that after a crash at any instant its name holds the old content or the new.</summary>
public static class AtomicFile
{
    private const string Prefix = ".tmp-file-";

    /// <summary>Writes under a temporary name in the same folder, syncs, renames, syncs the folder.</summary>
    /// <param name="write">Writes the content; what it throws leaves the old file as it was.</param>
    /// <exception cref="RunException">Exit code 6: disk full, folder not writable, sync failed.</exception>
    public static void Write(string path, Action<Stream> write, FileSystem? fileSystem = null)
    {
        fileSystem ??= FileSystem.Real;
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))
            ?? throw new ArgumentException($"'{path}' is a root folder.", nameof(path));
        string temporary = Path.Combine(folder, $"{Prefix}{Path.GetFileName(path)}-{Path.GetRandomFileName()}");
        try
        {
            using (var stream = new FileWriter(fileSystem, temporary))
            {
                write(stream);
                stream.Complete();
            }
            fileSystem.RenameFile(temporary, path);
            fileSystem.SyncFolder(folder);
        }
        catch (Exception e)
        {
            RemoveLeftover(temporary);
            if (e is IOException or UnauthorizedAccessException)
                throw new RunException(ExitCode.Resources,
                    $"{path}: could not be written: {e.Message} The name holds the old content or the new, whole.", e);
            throw;
        }
    }

    /// <summary>Writes bytes as a whole file.</summary>
    /// <inheritdoc cref="Write(string, Action{Stream}, FileSystem?)"/>
    public static void Write(string path, ReadOnlySpan<byte> bytes, FileSystem? fileSystem = null)
    {
        byte[] copy = bytes.ToArray();
        Write(path, stream => stream.Write(copy), fileSystem);
    }

    /// <summary>Deletes what writes cut short by a crash left in a folder; the caller holds its RunLock.</summary>
    public static void Sweep(string folder, FileSystem? fileSystem = null)
    {
        foreach (string path in Directory.GetFiles(folder, Prefix + "*"))
            (fileSystem ?? FileSystem.Real).DeleteFile(path);
    }

    /// <summary>Best effort: a leftover does no harm, and the error that led here is the one to report.</summary>
    private static void RemoveLeftover(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Sweep removes it at the next start.
        }
    }
}
