using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FastCpt.Kernels.Platform;

/// <summary>Makes written files survive a power failure, and lets one process own a folder.</summary>
/// <remarks>
/// FileStream.Flush(true) and RandomAccess.FlushToDisk return normally when fsync fails, so on Linux and macOS the
/// system is called directly and its answer read. An IOException carries the system's error number in HResult.
/// After a failed sync the kernel may have dropped the data: write another file, never sync the same one again.
/// macOS: fsync leaves data in the drive's cache, so F_FULLFSYNC is asked for, and fsync where the drive refuses.
/// Windows: files are flushed without the check above; folders cannot be flushed, so a rename may be lost, not torn.
/// </remarks>
public static partial class DurableFile
{
    private const int Interrupted = 4;              // EINTR, on Linux and macOS
    private const int ReadWrite = 2;                // O_RDWR
    private const int LockExclusive = 2;            // LOCK_EX
    private const int LockWithoutWaiting = 4;       // LOCK_NB
    private const int MacFullSync = 51;             // F_FULLFSYNC
    private const int LinuxCloseOnExec = 0x80000;   // O_CLOEXEC
    private const int MacCloseOnExec = 0x1000000;

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
            Sync((int)file.DangerousGetHandle(), path);
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
        int folder = (int)OpenUnix(path, forWriting: false);
        try
        {
            Sync(folder, path);
        }
        finally
        {
            _ = Close(folder);
        }
    }

    /// <summary>Opens a file for reading and writing, creating it if needed, and takes the one lock on it.</summary>
    /// <remarks>The system releases the lock when the handle closes or the process ends, however it ends.</remarks>
    /// <returns>Null if another process, or another handle of this one, has the lock.</returns>
    /// <exception cref="IOException">The file system knows no locks, or the file cannot be opened.</exception>
    public static SafeFileHandle? TryOpenLocked(string path)
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
        var file = new SafeFileHandle(OpenUnix(path, forWriting: true), ownsHandle: true);
        if (Lock((int)file.DangerousGetHandle(), LockExclusive | LockWithoutWaiting) == 0)
            return file;
        int error = Marshal.GetLastPInvokeError();
        file.Dispose();
        int wouldBlock = OperatingSystem.IsMacOS() ? 35 : 11;    // EWOULDBLOCK
        return error == wouldBlock ? null : throw Failed("flock", path, error);
    }

    /// <summary>Opens a file for reading that another process may hold locked.</summary>
    public static SafeFileHandle OpenBesideLock(string path) => OperatingSystem.IsWindows()
        ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete)
        : new SafeFileHandle(OpenUnix(path, forWriting: false), ownsHandle: true);

    private static void CreateEmpty(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite).Dispose();
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process was faster and holds it; the platform's own files take part in its lock.
        }
    }

    /// <summary>Opens by the system's call alone: the platform's own takes a lock that would be in the way.</summary>
    private static nint OpenUnix(string path, bool forWriting)
    {
        int flags = (forWriting ? ReadWrite : 0) | (OperatingSystem.IsMacOS() ? MacCloseOnExec : LinuxCloseOnExec);
        int file;
        do
            file = Open(path, flags);
        while (file < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        return file >= 0 ? file : throw Failed("open", path, Marshal.GetLastPInvokeError());
    }

    private static void Sync(int file, string path)
    {
        if (OperatingSystem.IsMacOS() && Control(file, MacFullSync) == 0)
            return;
        int result;
        do
            result = SyncFile(file);
        while (result != 0 && Marshal.GetLastPInvokeError() == Interrupted);
        if (result != 0)
            throw Failed("fsync", path, Marshal.GetLastPInvokeError());
    }

    private static IOException Failed(string call, string path, int error)
    {
        string reason = Marshal.GetPInvokeErrorMessage(error);
        return new IOException($"{path}: {call} failed: {reason} (error {error}).", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SyncFile(int file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int file, int command);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(int file, int operation);
}
