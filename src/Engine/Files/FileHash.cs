using System.Buffers;
using System.Security.Cryptography;

namespace FastCpt.Engine.Files;

/// <summary>SHA-256 of a file's bytes, in lower-case hexadecimal digits.</summary>
public static class FileHash
{
    private const int BlockBytes = 1 << 20;

    /// <param name="cancel">Looked at once a block.</param>
    /// <exception cref="RunException">Exit 3: the file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The caller no longer wants it.</exception>
    public static string Of(string path, CancellationToken cancel = default)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (int count; (count = file.Read(block)) > 0; cancel.ThrowIfCancellationRequested())
                hash.AppendData(block, 0, count);
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RunException(
                ExitCode.Config, $"{path}: cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
