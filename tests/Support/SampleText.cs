using System.IO.Compression;

namespace FastCpt.Tests.Support;

/// <summary>The text that the repository carries, a little at a time.</summary>
internal static class SampleText
{
    /// <summary>The first documents of a language, as lines of JSON.</summary>
    public static IEnumerable<string> FirstLines(string language, int count)
    {
        string file = Path.Combine(TestData.RepositoryRoot, "samples", $"{language}.jsonl.gz");
        using var reader = new StreamReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        for (int i = 0; i < count && reader.ReadLine() is { } line; i++)
            yield return line;
    }
}
