using Microsoft.Win32.SafeHandles;

namespace FastCpt.Kernels.Platform;

/// <summary>Makes written files survive a power failure.</summary>
/// <remarks>
/// FileStream.Flush(true) and RandomAccess.FlushToDisk return normally when fsync fails, so on Linux and macOS the
/// system is called directly and its answer read. After a failed sync the kernel may have dropped the data: write
/// another file, never sync the same one again.
/// macOS: fsync leaves data in the drive's cache, so F_FULLFSYNC is asked for, and fsync where the drive refuses.
/// Windows: files are flushed without the check above; folders cannot be flushed, so a rename may be lost, not torn.
/// </remarks>
public static class DurableFile
{
    /// <summary>Returns when the file's bytes and length are on the medium.</summary>
    /// <param name="path">The file's name, for the error.</param>
    /// <exception cref="IOException">The system could not write them: full, quota, medium error.</exception>
    public static void Sync(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }
        bool added = false;
        try
        {
            file.DangerousAddRef(ref added);
            Posix.Sync((int)file.DangerousGetHandle(), path);
        }
        finally
        {
            if (added)
                file.DangerousRelease();
        }
    }

    /// <summary>Returns when the folder's entries (files created, renamed, deleted) are on the medium.</summary>
    /// <exception cref="IOException">The folder cannot be opened or synced.</exception>
    public static void SyncFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        int folder = Posix.Open(path, Posix.ReadOnly);
        try
        {
            Posix.Sync(folder, path);
        }
        finally
        {
            Posix.Close(folder);
        }
    }
}
