using Microsoft.Win32.SafeHandles;

namespace FastCpt.Kernels.Platform;

/// <summary>A lock on a file; the system releases it when the handle closes and when the process ends.</summary>
public static class FileLock
{
    /// <summary>Opens a file for reading and writing, creating it if needed, and takes the one lock on it.</summary>
    /// <returns>Null if another process, or another handle of this one, has the lock.</returns>
    /// <exception cref="IOException">The file system knows no locks, or the file cannot be opened.</exception>
    public static SafeFileHandle? TryOpen(string path)
    {
        if (!File.Exists(path))
            CreateEmpty(path);
        if (OperatingSystem.IsWindows())
        {
            try
            {
                return File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
            }
            catch (IOException)
            {
                return null;
            }
        }
        var file = new SafeFileHandle(Posix.Open(path, Posix.ReadWrite), ownsHandle: true);
        if (Posix.TryLock((int)file.DangerousGetHandle(), path))
            return file;
        file.Dispose();
        return null;
    }

    /// <summary>Opens a file for reading that another process may hold locked.</summary>
    public static SafeFileHandle OpenBeside(string path) => OperatingSystem.IsWindows()
        ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete)
        : new SafeFileHandle(Posix.Open(path, Posix.ReadOnly), ownsHandle: true);

    private static void CreateEmpty(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite).Dispose();
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process was faster and holds it; files that the platform opens take part in its lock.
        }
    }
}
