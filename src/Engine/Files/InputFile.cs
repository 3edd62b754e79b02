using FastCpt.Kernels.Platform;
using Microsoft.Win32.SafeHandles;

namespace FastCpt.Engine.Files;

/// <summary>Reads files that others wrote: by position, with every length checked before memory is allocated.</summary>
public sealed class InputFile : IDisposable
{
    private const int TooManyOpenFiles = 24;    // EMFILE

    private readonly SafeFileHandle _file;
    private readonly ExitCode _code;

    private InputFile(SafeFileHandle file, string path, long length, ExitCode code) =>
        (_file, Path, Length, _code) = (file, path, length, code);

    public string Path { get; }

    /// <summary>Bytes of the file when it was opened.</summary>
    public long Length { get; }

    /// <summary>What the file is known by now: another text where its bytes may have changed.</summary>
    /// <exception cref="RunException">The system does not tell.</exception>
    public string State
    {
        get
        {
            try
            {
                return RegularFile.StateOf(_file);
            }
            catch (IOException e)
            {
                throw new RunException(_code, $"{Path}: {e.Message}", e);
            }
        }
    }

    /// <summary>Time of the last change of its bytes.</summary>
    public DateTime ChangedUtc => File.GetLastWriteTimeUtc(_file);

    /// <summary>Opens a regular file, or a link to one.</summary>
    /// <param name="code">What the run ends with when the file cannot be read.</param>
    /// <exception cref="RunException">It is missing, not readable, a folder, a pipe or a device.</exception>
    public static InputFile Open(string path, ExitCode code)
    {
        try
        {
            return new InputFile(RegularFile.OpenRead(path, out long length), path, length, code);
        }
        catch (IOException e)
        {
            throw new RunException(
                e.HResult == TooManyOpenFiles ? ExitCode.Resources : code,
                $"{path}: cannot be opened: {e.Message.Replace(path + ": ", "", StringComparison.Ordinal)}", e);
        }
    }

    /// <summary>All bytes of a file.</summary>
    /// <exception cref="RunException">As for <see cref="Open"/>, or the file is longer than maxBytes.</exception>
    public static byte[] ReadAllBytes(string path, ExitCode code, int maxBytes)
    {
        using InputFile file = Open(path, code);
        if (file.Length > maxBytes)
            throw new RunException(code,
                $"{path}: {file.Length} bytes, at most {maxBytes} are accepted for this kind of file.");
        var bytes = new byte[(int)file.Length];
        file.Read(0, bytes);
        return bytes;
    }

    /// <summary>Fills the bytes from an offset of the file; any number of threads may read at once.</summary>
    /// <exception cref="RunException">The file ends before, although it was longer when it was opened.</exception>
    public void Read(long offset, Span<byte> bytes)
    {
        try
        {
            for (int done = 0; done < bytes.Length;)
            {
                int count = RandomAccess.Read(_file, bytes[done..], offset + done);
                if (count == 0)
                    throw new RunException(_code, $"{Path}: ends at byte {offset + done}, expected {Length} bytes. "
                        + "The file was shortened while it was read.");
                done += count;
            }
        }
        catch (IOException e)
        {
            throw new RunException(_code, $"{Path}: reading at byte {offset} failed: {e.Message}", e);
        }
    }

    public void Dispose() => _file.Dispose();
}
