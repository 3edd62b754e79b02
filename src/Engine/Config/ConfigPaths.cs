using FastCpt.Engine.Files;

namespace FastCpt.Engine.Config;

/// <summary>Where relative paths start: at the file that they are written in, else at the current folder.</summary>
internal sealed class ConfigPaths
{
    private readonly HashSet<string> _files = [];

    /// <summary>Remembers that values whose source is this name were written in a file.</summary>
    public void AddFile(string path) => _files.Add(path);

    /// <summary>The full path that a value names.</summary>
    /// <exception cref="RunException">The text cannot be a path.</exception>
    public string Resolve(YamlNode node)
    {
        string text = node.AsText();
        if (text.Length == 0 || text.Contains('\0'))
            throw node.Error($"found {node}, expected a path.");
        string folder = _files.Contains(node.Source)
            ? Path.GetDirectoryName(Path.GetFullPath(node.Source))!
            : Directory.GetCurrentDirectory();
        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(text, folder));
    }
}
