using FastCpt.Tests.Support;

namespace FastCpt.Tests.House;

/// <summary>The files of the repository, without what builds and runs leave behind.</summary>
internal static class Repository
{
    private static readonly HashSet<string> Skipped = ["bin", "obj", ".git", "artifacts", "runs", "TestResults"];

    /// <summary>Paths relative to the root, with forward slashes.</summary>
    /// <param name="folder">Relative; a folder that does not exist has no files.</param>
    /// <param name="extensions">With their dots; none for all.</param>
    public static IEnumerable<string> Files(string folder, params string[] extensions)
    {
        string start = Path.Combine(TestData.RepositoryRoot, folder);
        return Directory.Exists(start)
            ? Walk(new DirectoryInfo(start))
                .Where(file => extensions.Length == 0 || extensions.Contains(file.Extension))
                .Select(file => Path.GetRelativePath(TestData.RepositoryRoot, file.FullName).Replace('\\', '/'))
                .Order(StringComparer.Ordinal)
            : [];
    }

    public static string Text(string file) => File.ReadAllText(Path.Combine(TestData.RepositoryRoot, file));

    public static string[] Lines(string file) => File.ReadAllLines(Path.Combine(TestData.RepositoryRoot, file));

    public static bool Has(string file) => File.Exists(Path.Combine(TestData.RepositoryRoot, file));

    public static long Bytes(string file) => new FileInfo(Path.Combine(TestData.RepositoryRoot, file)).Length;

    private static IEnumerable<FileInfo> Walk(DirectoryInfo folder) =>
        folder.EnumerateFiles().Concat(
            folder.EnumerateDirectories().Where(inner => !Skipped.Contains(inner.Name)).SelectMany(Walk));
}
