using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FastCpt.Kernels.Platform;

/// <summary>The system's own file calls of Linux and macOS, with the constants of both.</summary>
/// <remarks>An IOException from here carries the system's error number in HResult, as the platform's own do.</remarks>
internal static partial class Posix
{
    public const int ReadOnly = 0;      // O_RDONLY
    public const int ReadWrite = 2;     // O_RDWR

    private const int EINTR = 4;

    /// <summary>O_NONBLOCK: opening a pipe does not wait for its other end.</summary>
    public static int WithoutWaiting => OperatingSystem.IsMacOS() ? 0x4 : 0x800;

    private static int CloseOnExec => OperatingSystem.IsMacOS() ? 0x1000000 : 0x80000;

    /// <summary>Opens an existing file or folder; unlike the platform's open, takes no lock on it.</summary>
    /// <returns>The file descriptor.</returns>
    public static int Open(string path, int flags)
    {
        int file;
        do
            file = OpenFile(path, flags | CloseOnExec);
        while (file < 0 && Marshal.GetLastPInvokeError() == EINTR);
        return file >= 0 ? file : throw Failed("open", path, Marshal.GetLastPInvokeError());
    }

    /// <summary>Waits until a file's bytes, or a folder's entries, are on the medium.</summary>
    public static void Sync(int file, string path)
    {
        const int FullSync = 51;    // F_FULLFSYNC: the drive's cache as well; not every drive can
        if (OperatingSystem.IsMacOS() && Control(file, FullSync) == 0)
            return;
        int result;
        do
            result = SyncFile(file);
        while (result != 0 && Marshal.GetLastPInvokeError() == EINTR);
        if (result != 0)
            throw Failed("fsync", path, Marshal.GetLastPInvokeError());
    }

    /// <summary>Takes the exclusive lock of an open file.</summary>
    /// <returns>False if it is taken.</returns>
    public static bool TryLock(int file, string path)
    {
        const int Exclusive = 2, WithoutBlocking = 4;       // LOCK_EX, LOCK_NB
        int wouldBlock = OperatingSystem.IsMacOS() ? 35 : 11;
        if (Lock(file, Exclusive | WithoutBlocking) == 0)
            return true;
        int error = Marshal.GetLastPInvokeError();
        return error == wouldBlock ? false : throw Failed("flock", path, error);
    }

    /// <summary>Lets two names in one file system change places.</summary>
    /// <returns>False if the file system, the kernel or the C library cannot.</returns>
    public static bool TryExchange(string first, string second)
    {
        const int CurrentFolder = -100;                     // AT_FDCWD
        const uint Exchange = 2;                            // RENAME_EXCHANGE, RENAME_SWAP
        const int CrossDevice = 18, Invalid = 22;           // EXDEV, EINVAL: what layered file systems answer
        (int notImplemented, int notSupported) = OperatingSystem.IsMacOS() ? (78, 45) : (38, 95);
        try
        {
            int result = OperatingSystem.IsMacOS()
                ? RenameExtended(first, second, Exchange)
                : RenameAt(CurrentFolder, first, CurrentFolder, second, Exchange);
            if (result == 0)
                return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;                                   // a C library older than the call
        }
        int error = Marshal.GetLastPInvokeError();
        return error is CrossDevice or Invalid || error == notImplemented || error == notSupported
            ? false
            : throw Failed("rename", second, error);
    }

    /// <summary>Inode and time of the last change of a file or of what the system keeps of it; Linux alone.</summary>
    public static unsafe string IdentityOf(SafeFileHandle file)
    {
        const int EmptyPath = 0x1000;                       // AT_EMPTY_PATH: the file itself
        const uint Inode = 0x100, ChangeTime = 0x80;        // STATX_INO, STATX_CTIME
        const int InodeAt = 32, SecondsAt = 96, NanosecondsAt = 104, Bytes = 256;     // of struct statx
        byte* facts = stackalloc byte[Bytes];
        if (FileFacts(file, "", EmptyPath, Inode | ChangeTime, facts) != 0)
            throw Failed("statx", "a file", Marshal.GetLastPInvokeError());
        (ulong inode, long seconds) = (*(ulong*)(facts + InodeAt), *(long*)(facts + SecondsAt));
        uint nanoseconds = *(uint*)(facts + NanosecondsAt);
        return string.Create(CultureInfo.InvariantCulture, $"inode {inode} at {seconds}.{nanoseconds:D9}");
    }

    public static void Close(int file) => _ = CloseFile(file);

    private static IOException Failed(string call, string path, int error) =>
        new($"{path}: {call} failed: {Marshal.GetPInvokeErrorMessage(error)} (error {error}).", error);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseFile(int file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SyncFile(int file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int file, int command);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(int file, int operation);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int FileFacts(SafeFileHandle folder, string path, int flags, uint mask, byte* facts);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt(int fromFolder, string from, int toFolder, string to, uint flags);

    [LibraryImport("libc", EntryPoint = "renamex_np", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameExtended(string from, string to, uint flags);
}
