using System.Globalization;
using System.Text;
using FastCpt.Kernels.Platform;
using Microsoft.Win32.SafeHandles;

namespace FastCpt.Engine.Files;

/// <summary>Holds a folder for one process: a second run on the same folder is told who has it.</summary>
/// <remarks>
/// The lock is the system's lock on the file run.lock, which ends with the process however it ends; the file's text
/// (process, host, start) only serves the message and stays behind.
/// </remarks>
public sealed class RunLock : IDisposable
{
    public const string FileName = "run.lock";

    private const int LookEveryMilliseconds = 200;

    private readonly SafeFileHandle _file;

    private RunLock(SafeFileHandle file, DateTime start) => (_file, StartUtc) = (file, start);

    /// <summary>When the lock was taken; what in the folder is older belongs to no running process.</summary>
    public DateTime StartUtc { get; }

    /// <summary>Takes the lock of an existing folder.</summary>
    /// <exception cref="RunException">Exit code 3: another process holds it, or the folder is not writable.</exception>
    public static RunLock Take(string folder) => TryTake(folder) ?? throw new RunException(ExitCode.Config,
        $"{folder}: in use by {Holder(folder)}. Wait for it to end, or choose another output folder.");

    /// <summary>Takes the lock once no other process has it: for short work that many need and one does.</summary>
    /// <exception cref="RunException">Exit code 3: the folder is not writable. 130, 143: stopped.</exception>
    public static RunLock Wait(string folder, StopSignal stop)
    {
        RunLock? taken;
        while ((taken = TryTake(folder)) is null)
        {
            stop.ThrowIfStopRequested($"{folder}: waiting for {Holder(folder)}");
            Thread.Sleep(LookEveryMilliseconds);
        }

        return taken;
    }

    public void Dispose() => _file.Dispose();

    private static RunLock? TryTake(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            if (FileLock.TryOpen(path) is not { } file)
                return null;
            DateTime start = DateTime.UtcNow;
            string text = string.Create(CultureInfo.InvariantCulture,
                $"process {Environment.ProcessId} on {Environment.MachineName} since {start:yyyy-MM-ddTHH:mm:ssZ}\n");
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, Encoding.UTF8.GetBytes(text), 0);
            return new RunLock(file, start);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Config, $"{path}: cannot be locked: {e.Message}", e);
        }
    }

    private static string Holder(string folder)
    {
        Span<byte> text = stackalloc byte[256];
        using SafeFileHandle file = FileLock.OpenBeside(Path.Combine(folder, FileName));
        string holder = Encoding.UTF8.GetString(text[..RandomAccess.Read(file, text, 0)]).Trim();
        return holder.Length > 0 && !holder.Any(char.IsControl) ? holder : "another process";
    }
}
