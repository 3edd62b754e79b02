namespace FastCpt.Engine.Files;

/// <summary>Reads whole files that others wrote, never more than a stated number of bytes.</summary>
public static class InputFile
{
    /// <summary>The bytes of a file; its length is checked before anything is allocated.</summary>
    /// <param name="code">What the run ends with when the file cannot be read or is too long.</param>
    /// <param name="maxBytes">The longest file that is accepted.</param>
    /// <exception cref="RunException">The file is missing, a folder, not readable or longer than maxBytes.</exception>
    public static byte[] ReadAllBytes(string path, ExitCode code, int maxBytes)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (!file.CanSeek)
                throw new RunException(code, $"{path}: is a pipe or a device, expected a regular file.");
            if (file.Length > maxBytes)
                throw new RunException(code,
                    $"{path}: {file.Length} bytes, at most {maxBytes} are accepted for this kind of file.");
            var bytes = new byte[(int)file.Length];
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count != bytes.Length || file.ReadByte() >= 0)
                throw new RunException(code, $"{path}: changed its length while it was read. Run again.");
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException
            or ArgumentException)
        {
            throw new RunException(code, $"{path}: cannot be read: {Reason(e, path)}", e);
        }
    }

    /// <summary>Why the system refused a file, as the user would say it.</summary>
    public static string Reason(Exception exception, string path) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file.",
        UnauthorizedAccessException when Directory.Exists(path) => "it is a folder, expected a file.",
        UnauthorizedAccessException => "permission denied.",
        _ => exception.Message,
    };
}
