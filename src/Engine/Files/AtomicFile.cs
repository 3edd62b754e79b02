namespace FastCpt.Engine.Files;

/// <summary>Writes a file so that after a crash at any instant its name holds the old content or the new.</summary>
public static class AtomicFile
{
    /// <summary>Writes under a temporary name in the same folder, syncs, renames, syncs the folder.</summary>
    /// <param name="write">Writes the content; what it throws leaves the old file as it was.</param>
    /// <exception cref="RunException">Exit code 6: disk full, folder not writable, sync failed.</exception>
    public static void Write(string path, Action<Stream> write, FileSystem? fileSystem = null)
    {
        fileSystem ??= FileSystem.Real;
        string temporary = Leftovers.TemporaryFor(path);
        try
        {
            using (var stream = new FileWriter(fileSystem, temporary))
            {
                write(stream);
                stream.Complete();
            }
            fileSystem.RenameFile(temporary, path);
            fileSystem.SyncFolder(Path.GetDirectoryName(temporary)!);     // not null: it names a file
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

    /// <summary>Deletes what writers that were cut short left in a folder.</summary>
    /// <param name="held">The folder's lock: no other process is writing there.</param>
    /// <param name="log">Told what is removed, and what cannot be.</param>
    public static void Sweep(string folder, RunLock held, Action<string> log, FileSystem? fileSystem = null) =>
        Leftovers.Sweep(folder, held, fileSystem ?? FileSystem.Real, log);

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
