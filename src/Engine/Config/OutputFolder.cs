using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>Makes sure that a folder can be written to before anything is loaded or computed for it.</summary>
public static class OutputFolder
{
    /// <summary>Creates the folder where it is missing, and writes and removes a file in it.</summary>
    /// <exception cref="RunException">Exit 3: a file, too long, a loop of links, or not writable.</exception>
    public static void Prepare(string path)
    {
        try
        {
            if (File.Exists(path))
                throw Refuse(path, "it is a file, expected a folder", null);
            Directory.CreateDirectory(path);
            string probe = Path.Combine(path, ".tmp-probe-" + Path.GetRandomFileName());
            using (File.Open(probe, FileMode.CreateNew))
            {
                // Only whether it can be created matters.
            }
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            throw Refuse(path, e.Message.TrimEnd('.'), e);
        }
    }

    private static RunException Refuse(string path, string reason, Exception? cause) =>
        new(ExitCode.Config, $"{path}: cannot be used for output: {reason}. Choose another output_dir.", cause);
}
