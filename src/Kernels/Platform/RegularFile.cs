using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace FastCpt.Kernels.Platform;

/// <summary>Opens files that others name, without waiting for ever on a pipe.</summary>
public static class RegularFile
{
    /// <summary>What an open file is known by: it changes whenever the file's bytes may have.</summary>
    /// <remarks>Length and time of the last change; on Linux also the inode and the time at which the system last
    /// touched it, which no program can set back. Times are as fine as the file system's.</remarks>
    public static string StateOf(SafeFileHandle file)
    {
        string state = string.Create(
            CultureInfo.InvariantCulture,
            $"{RandomAccess.GetLength(file)} bytes, changed {File.GetLastWriteTimeUtc(file):O}");
        return OperatingSystem.IsLinux() ? $"{state}, {Posix.IdentityOf(file)}" : state;
    }

    /// <summary>Opens a regular file, or a link to one, for positional reads.</summary>
    /// <exception cref="IOException">It is missing, may not be read, or is a folder, pipe or device.</exception>
    public static SafeFileHandle OpenRead(string path, out long length)
    {
        if (Directory.Exists(path))
            throw new IOException($"{path}: is a folder, expected a file.");
        if (path.Contains('\0'))
            throw new IOException("A path holds a NUL character.");
        SafeFileHandle file = OperatingSystem.IsWindows()
            ? File.OpenHandle(path)
            : new SafeFileHandle(Posix.Open(path, Posix.ReadOnly | Posix.WithoutWaiting), ownsHandle: true);
        try
        {
            length = RandomAccess.GetLength(file);
            return file;
        }
        catch (NotSupportedException e)
        {
            file.Dispose();
            throw new IOException($"{path}: is a pipe or a device, expected a regular file.", e);
        }
    }
}
