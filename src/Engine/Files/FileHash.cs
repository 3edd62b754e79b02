using System.Security.Cryptography;

namespace FastCpt.Engine.Files;

/// <summary>SHA-256 of a file's bytes, in lower-case hexadecimal digits.</summary>
public static class FileHash
{
    /// <exception cref="RunException">Exit 3: the file cannot be read.</exception>
    public static string Of(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            return Convert.ToHexStringLower(SHA256.HashData(file));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RunException(
                ExitCode.Config, $"{path}: cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }
}
