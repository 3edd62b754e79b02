namespace FastCpt.Kernels.Platform;

/// <summary>Lets two folders take each other's names, so that neither name is empty at any instant.</summary>
/// <remarks>
/// Linux: renameat2 with RENAME_EXCHANGE, which the local file systems know and network ones do not. macOS: renamex_np
/// with RENAME_SWAP. Windows has nothing like it.
/// </remarks>
public static class FolderExchange
{
    /// <returns>False where the system or the file system cannot; nothing has changed then.</returns>
    /// <exception cref="IOException">It could, but for these two: a name is missing, or may not be changed.</exception>
    public static bool Try(string first, string second) =>
        !OperatingSystem.IsWindows() && Posix.TryExchange(first, second);
}
