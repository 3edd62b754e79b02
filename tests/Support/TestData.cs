namespace FastCpt.Tests.Support;

/// <summary>
/// Finds the larger test data that is not part of the repository, in the folder that FASTCPT_DATA names.
/// </summary>
internal static class TestData
{
    /// <summary>
    /// Full path of a data file or folder; ignores the running test with the reason when it is not there.
    /// </summary>
    public static string Path(string relative)
    {
        string? root = Environment.GetEnvironmentVariable("FASTCPT_DATA");
        if (string.IsNullOrEmpty(root))
            Assert.Ignore("FASTCPT_DATA is not set: this test needs data that the repository does not carry.");
        string path = System.IO.Path.Combine(root!, relative);
        if (!File.Exists(path) && !Directory.Exists(path))
            Assert.Ignore($"FASTCPT_DATA has no '{relative}'.");
        return path;
    }

    /// <summary>The root of the repository, found upward from the test assembly.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "FastCpt.sln")))
                return folder.FullName;
        throw new InvalidOperationException("FastCpt.sln is in no folder above the test assembly.");
    }
}
