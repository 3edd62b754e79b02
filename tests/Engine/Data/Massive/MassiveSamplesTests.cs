using System.Globalization;
using System.Security.Cryptography;
using FastCpt.Engine.Data.Massive;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data.Massive;

/// <summary>Holds what samples/LICENSES.md says about the annotated sentences that the repository carries.</summary>
public sealed class MassiveSamplesTests
{
    private static readonly string Folder = Path.Combine(TestData.RepositoryRoot, "samples", "massive");

    [Test]
    public void Samples_AreEightLocales_HalfOfThemNotLatin_UnderFourMegabytes()
    {
        string[] files = Directory.GetFiles(Folder, "*.gz");
        Assert.That(files.Sum(file => new FileInfo(file).Length), Is.InRange(1, 4_000_000));
        MassiveLocale[] locales = [.. files.Select(file => MassiveLocale.Of(Path.GetFileName(file)[..5]))];
        Assert.That(locales.Count(locale => locale.IsLatin), Is.EqualTo(4));
        Assert.That(locales.Select(locale => locale.Code), Is.SupersetOf(LanguageOrder.Destructive));
        Assert.That(locales, Has.Length.EqualTo(8));
    }

    [Test]
    [Category("slow")]
    public void Samples_AreAsListed_AndParallel()
    {
        string[][] listed =
        [
            .. File.ReadLines(Path.Combine(Folder, "..", "LICENSES.md"))
                .Select(line => line.Split('|').Select(cell => cell.Trim()).ToArray())
                .Where(row => row.Length == 8 && row[1].StartsWith("massive/", StringComparison.Ordinal)),
        ];
        Assert.That(
            listed.Select(row => Path.GetFileName(row[1])),
            Is.EquivalentTo(Directory.GetFiles(Folder, "*.gz").Select(Path.GetFileName)));
        (string, Partition, string)[]? first = null;
        foreach (string[] row in listed)
        {
            string path = Path.Combine(Folder, Path.GetFileName(row[1]));
            Assert.That(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))), Is.EqualTo(row[6]), path);
            IReadOnlyList<MassiveRow> rows = MassiveFile.Read(path, MassiveLocale.Of(Path.GetFileName(path)[..5]));
            int[] counts = [rows.Count, .. Enum.GetValues<Partition>().Select(p => rows.Count(r => r.Partition == p))];
            Assert.That(counts, Is.EqualTo(row[2..6].Select(cell => int.Parse(cell, CultureInfo.InvariantCulture))));
            (string, Partition, string)[] keys = [.. rows.Select(r => (r.Id, r.Partition, r.Intent))];
            Assert.That(keys, Is.EqualTo(first ??= keys), path);
        }
    }
}
