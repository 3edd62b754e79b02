using FastCpt.Kernels.Platform;
using Microsoft.Win32.SafeHandles;

namespace FastCpt.Engine.Files;

/// <summary>The steps of which a durable write is made; a crash can fall between any two of them.</summary>
public enum FileStep
{
    CreateFile,
    CreateFolder,
    Write,
    Sync,
    SyncFolder,
    Rename,
    Delete,
}

/// <summary>The few file operations whose order and failure decide what survives a crash.</summary>
/// <remarks>
/// Everything that must survive is written through here. <see cref="Before"/> runs before every step, so that a test
/// can count the steps, make the n-th fail or end the process there. Errors are the platform's IOException and
/// UnauthorizedAccessException; the caller, who knows what was being saved, turns them into a RunException.
/// </remarks>
public class FileSystem
{
    /// <summary>The system's files, with nothing in between.</summary>
    public static FileSystem Real { get; } = new();

    /// <summary>Opens a file that must not exist yet.</summary>
    /// <param name="length">Bytes to reserve at once, so that a full disk shows itself here; 0 if unknown.</param>
    public SafeFileHandle CreateFile(string path, long length = 0)
    {
        Before(FileStep.CreateFile, path);
        return File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, FileOptions.None, length);
    }

    /// <summary>Creates a folder that only this user may enter until it is complete.</summary>
    public void CreateFolder(string path)
    {
        Before(FileStep.CreateFolder, path);
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Creates a folder and the missing ones above it, durably; does nothing if it is there.</summary>
    public void EnsureFolder(string path)
    {
        var missing = new Stack<string>();
        for (string? folder = Path.GetFullPath(path); folder is not null && !Directory.Exists(folder);
            folder = Path.GetDirectoryName(folder))
            missing.Push(folder);
        foreach (string folder in missing)
        {
            Before(FileStep.CreateFolder, folder);
            Directory.CreateDirectory(folder);
            SyncFolder(Path.GetDirectoryName(folder)!);     // not null: a root folder is never missing
        }
    }

    /// <summary>Writes all bytes at an offset; the platform repeats short and interrupted writes.</summary>
    public void Write(SafeFileHandle file, string path, ReadOnlySpan<byte> bytes, long offset)
    {
        Before(FileStep.Write, path);
        RandomAccess.Write(file, bytes, offset);
    }

    /// <inheritdoc cref="DurableFile.Sync(SafeFileHandle, string)"/>
    public void Sync(SafeFileHandle file, string path)
    {
        Before(FileStep.Sync, path);
        DurableFile.Sync(file, path);
    }

    /// <inheritdoc cref="DurableFile.SyncFolder"/>
    public void SyncFolder(string path)
    {
        Before(FileStep.SyncFolder, path);
        DurableFile.SyncFolder(path);
    }

    /// <summary>Gives a file its final name in one step, in place of what had the name before.</summary>
    public void RenameFile(string from, string to)
    {
        Before(FileStep.Rename, to);
        File.Move(from, to, overwrite: true);
    }

    /// <summary>Gives a folder its final name in one step; nothing may have the name yet.</summary>
    public void RenameFolder(string from, string to)
    {
        Before(FileStep.Rename, to);
        Directory.Move(from, to);
    }

    /// <summary>Two folders take each other's names in one step.</summary>
    /// <returns>False where the file system cannot; nothing has changed then.</returns>
    public virtual bool TryExchangeFolders(string from, string to)
    {
        Before(FileStep.Rename, to);
        return FolderExchange.Try(from, to);
    }

    public void DeleteFile(string path)
    {
        Before(FileStep.Delete, path);
        File.Delete(path);
    }

    /// <summary>Deletes a folder and what is in it, entry by entry; links are deleted, not followed.</summary>
    public void DeleteFolder(string path)
    {
        var pending = new Stack<(string Path, bool IsEmpty)>([(path, false)]);
        while (pending.TryPop(out (string Path, bool IsEmpty) folder))
        {
            if (folder.IsEmpty)
            {
                Before(FileStep.Delete, folder.Path);
                Directory.Delete(folder.Path);
                continue;
            }
            pending.Push((folder.Path, true));
            foreach (FileSystemInfo entry in new DirectoryInfo(folder.Path).EnumerateFileSystemInfos())
            {
                if (entry is DirectoryInfo && entry.LinkTarget is null)
                    pending.Push((entry.FullName, false));
                else
                    DeleteFile(entry.FullName);
            }
        }
    }

    /// <summary>Bytes that may still be written to the disk that holds a folder.</summary>
    public virtual long FreeBytes(string folder) => new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;

    /// <summary>Called before each step; the real one does nothing.</summary>
    /// <param name="path">What the step makes, changes or removes; for a rename, the final name.</param>
    protected virtual void Before(FileStep step, string path)
    {
    }
}
