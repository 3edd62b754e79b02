namespace FastCpt.Tests.Support;

/// <summary>An empty folder for one test, removed with all that is in it.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("fastcpt-test-").FullName;

    /// <summary>Full path of a name in the folder.</summary>
    public string At(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
