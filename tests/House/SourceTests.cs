using System.Text.RegularExpressions;

namespace FastCpt.Tests.House;

/// <summary>What every source file is held to.</summary>
public sealed partial class SourceTests
{
    private const int MostLines = 400, MostColumns = 120;
    private const long MostBytes = 5_000_000;

    private static readonly string[] Sources = [".cs", ".cu", ".h", ".cpp"];

    [Test]
    public void Sources_HaveAtMost400Lines()
    {
        foreach (string file in Repository.Files("src", Sources).Concat(Repository.Files("native", Sources)))
            Assert.That(Repository.Lines(file), Has.Length.LessThanOrEqualTo(MostLines), file);
    }

    [Test]
    public void Sources_HaveAtMost120Columns()
    {
        string[] tooLong =
        [
            .. from folder in (string[])["src", "native", "tests", "bench"]
               from file in Repository.Files(folder, Sources)
               from line in Repository.Lines(file).Index()
               where line.Item.EnumerateRunes().Count() > MostColumns
               select $"{file}:{line.Index + 1}",
        ];
        Assert.That(tooLong, Is.Empty);
    }

    [Test]
    public void Sources_HoldUnsafeCodeAndPlatformCallsInKernelsAlone()
    {
        foreach (string file in Repository.Files("src", ".cs", ".csproj").Where(f => !f.StartsWith("src/Kernels/")))
            Assert.That(Unsafe().Match(WithoutComments(file)).Value, Is.Empty, file);
        Assert.That(Repository.Files("src/Kernels", ".cs").Any(f => Unsafe().IsMatch(WithoutComments(f))), Is.True);
    }

    [Test]
    public void Sources_HaveNothingLeftToDo()
    {
        foreach (string folder in (string[])["src", "native", "tests", "bench"])
            foreach (string file in Repository.Files(folder, [.. Sources, ".csproj", ".py", ".txt"]))
                if (!file.EndsWith($"{nameof(SourceTests)}.cs"))
                    Assert.That(Unfinished().Match(Repository.Text(file)).Value, Is.Empty, file);
    }

    [Test]
    public void Files_NameNoMachinePaths()
    {
        string[] texts =
        [
            .. Sources, ".csproj", ".props", ".md", ".json", ".yaml", ".yml", ".py", ".ps1", ".txt", ".html", ".js", "",
        ];
        foreach (string file in Repository.Files("", texts).Where(f => !f.EndsWith($"{nameof(SourceTests)}.cs")))
            Assert.That(MachinePath().Match(Repository.Text(file)).Value, Is.Empty, file);
    }

    [Test]
    public void Files_AreAtMost5Megabytes()
    {
        foreach (string file in Repository.Files(""))
            Assert.That(Repository.Bytes(file), Is.LessThanOrEqualTo(MostBytes), file);
    }

    /// <summary>The code of a file, roughly: comments to the end of a line are taken off.</summary>
    private static string WithoutComments(string file) => Comment().Replace(Repository.Text(file), "");

    [GeneratedRegex("//.*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\bunsafe\b|\[DllImport|\[LibraryImport|<AllowUnsafeBlocks>true")]
    private static partial Regex Unsafe();

    [GeneratedRegex(@"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedException")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"(?<![\w.])/(work|root|tmp/w)/")]
    private static partial Regex MachinePath();
}
