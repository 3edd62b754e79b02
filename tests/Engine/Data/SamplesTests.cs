using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data;

/// <summary>Holds what samples/LICENSES.md says about the text that the repository carries.</summary>
public sealed class SamplesTests
{
    private static readonly string Folder = Path.Combine(TestData.RepositoryRoot, "samples");

    [Test]
    public void Samples_AreAtMostFourMegabytesCompressed()
    {
        long total = Directory.GetFiles(Folder, "*.gz").Sum(file => new FileInfo(file).Length);
        Assert.That(total, Is.InRange(1, 4_000_000));
    }

    [Test]
    public void Samples_AreAllListedWithLicenceSizeAndHash()
    {
        Dictionary<string, string[]> listed = Listed();
        Assert.That(
            Directory.GetFiles(Folder).Select(file => Path.GetFileName(file)),
            Is.EquivalentTo(listed.Keys.Append("LICENSES.md")));
        foreach ((string file, string[] row) in listed)
        {
            List<(string Id, string Text)> chapters = Read(file);
            Assert.That(row[4], Is.AnyOf("Public Domain", "CC0 1.0"), file);
            Assert.That(chapters, Has.Count.EqualTo(int.Parse(row[6], CultureInfo.InvariantCulture)), file);
            Assert.That(
                chapters.Sum(chapter => Encoding.UTF8.GetByteCount(chapter.Text)),
                Is.EqualTo(int.Parse(row[7], CultureInfo.InvariantCulture)),
                file);
            byte[] hash = SHA256.HashData(File.ReadAllBytes(Path.Combine(Folder, file)));
            Assert.That(Convert.ToHexStringLower(hash), Is.EqualTo(row[8]), file);
        }
    }

    [Test]
    public void Samples_HaveTheSameChaptersInEveryLanguage()
    {
        string[] english = [.. Read("en.jsonl.gz").Select(chapter => chapter.Id)];
        Assert.That(english, Is.Unique);
        foreach ((string file, string[] row) in Listed())
        {
            string[] ids = [.. Read(file).Select(chapter => chapter.Id)];
            if (row[2].EndsWith("held-out", StringComparison.Ordinal))
                Assert.That(ids, Is.Unique.And.SubsetOf(english), file);
            else
                Assert.That(ids, Is.EqualTo(english), file);
        }
    }

    /// <summary>For any seed; the held-out files are cut for the default one, of which they lose nothing.</summary>
    [Test]
    public void Samples_FallOnTheSameSideInEveryLanguage([Values(1UL, 7UL, 42UL, 1234567UL)] ulong seed)
    {
        var sideOf = new Dictionary<string, Side>();
        foreach ((string file, string[] row) in Listed())
        {
            bool heldOut = row[2].EndsWith("held-out", StringComparison.Ordinal);
            List<(string Id, string Text)> chapters = Read(file);
            Side[] sides = Split.Of(
                [.. chapters.Select(chapter => DocumentKey.Of(seed, chapter.Id, Encoding.UTF8.GetBytes(chapter.Text)))],
                Split.DefaultShare, heldOut);
            for (int i = 0; i < sides.Length; i++)
            {
                Side side = sides[i] == Side.Validation ? Side.Validation : Side.Training;
                string id = chapters[i].Id;
                Assert.That(sideOf.GetValueOrDefault(id, side), Is.EqualTo(side), $"{file} {id}");
                sideOf[id] = side;
            }

            if (heldOut && seed == new DataConfig().SplitSeed)
                Assert.That(sides, Has.All.EqualTo(Side.Validation), file);
        }

        Assert.That(sideOf.Values, Has.Some.EqualTo(Side.Validation).And.Some.EqualTo(Side.Training));
    }

    [Test]
    public void Samples_AreChaptersAndNotVerses()
    {
        foreach (string file in Listed().Keys)
            foreach ((string id, string text) in Read(file))
            {
                Assert.That(id, Does.Match("^[1-3A-Z]{3} [0-9]+$"), file);
                Assert.That(text.Count(c => c is '.' or ':' or ';' or '·'), Is.GreaterThan(9), $"{file} {id}");
            }
    }

    /// <summary>The columns of a file's line in LICENSES.md, from 1, by file.</summary>
    private static Dictionary<string, string[]> Listed() =>
        File.ReadLines(Path.Combine(Folder, "LICENSES.md"))
            .Select(line => line.Split('|').Select(cell => cell.Trim()).ToArray())
            .Where(row => row.Length == 10 && row[1].EndsWith(".gz", StringComparison.Ordinal))
            .ToDictionary(row => row[1]);

    private static List<(string Id, string Text)> Read(string file)
    {
        using var gzip = new GZipStream(File.OpenRead(Path.Combine(Folder, file)), CompressionMode.Decompress);
        using var reader = new StreamReader(gzip);
        var chapters = new List<(string, string)>();
        while (reader.ReadLine() is { } line)
        {
            using var json = JsonDocument.Parse(line);
            // Both fields are strings in every line: the reader's own tests hold what happens otherwise.
            string Field(string name) => json.RootElement.GetProperty(name).GetString()!;
            chapters.Add((Field("id"), Field("text")));
        }

        return chapters;
    }
}
