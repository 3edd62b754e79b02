using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Data.Massive;

public sealed class MassiveFileTests
{
    private const string Row = """
        {"id":"7","locale":"en-US","partition":"dev","intent":"alarm","utt":"at five","annot_utt":"at [time : five]"}
        """;

    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void File_IsRead_PlainAndPacked()
    {
        foreach (string name in (string[])["en-US.jsonl", "en-US.jsonl.gz"])
        {
            byte[] text = System.Text.Encoding.UTF8.GetBytes(Row + "\n" + Row.Replace("\"7\"", "\"8\"") + "\n");
            File.WriteAllBytes(_folder.At(name), name.EndsWith(".gz") ? TextFiles.Gzip(text) : text);
            IReadOnlyList<MassiveRow> rows = MassiveFile.Read(_folder.At(name), MassiveLocale.Of("en-US"));
            Assert.That(rows.Select(row => (row.Number, row.Id, row.Partition, row.Intent, row.Text)), Is.EqualTo(
                [(0, "7", Partition.Dev, "alarm", "at five"), (1, "8", Partition.Dev, "alarm", "at five")]));
            Assert.That(rows[0].Parts, Is.EqualTo(
                [new AnnotationPart("at ", -1), new AnnotationPart("five", SlotTypes.Find("time")!.Value)]));
        }
    }

    [TestCase("\"dev\"", "\"valid\"", ":1: partition is 'valid'")]
    [TestCase("en-US", "de-DE", ":1: the row is of 'de-DE'")]
    [TestCase("\"id\":\"7\"", "\"id\":7", ":1: 'id' is missing, empty or no string")]
    [TestCase("\"utt\":\"at five\",", "", ":1: 'utt' is missing")]
    [TestCase("\"utt\":\"at five\"", "\"utt\":\"at  five\"", ":1: annot_utt without its marks is not utt")]
    [TestCase("[time :", "[tim :", ":1: annot_utt, character 4: 'tim' is none of")]
    [TestCase("\"id\":\"7\"", "\"id\":\"7\",\"id\":\"8\"", "the key 'id' is there twice")]
    [TestCase("{", "[{", ":1")]
    public void File_WithABadRow_IsRefused(string old, string replacement, string reason)
    {
        File.WriteAllText(_folder.At("x.jsonl"), Row.Replace(old, replacement) + "\n");
        Assert.That(Read, Throws.InstanceOf<RunException>().With.Message.Contains(reason)
            .And.Property(nameof(RunException.Code)).EqualTo(ExitCode.Config));
    }

    [Test]
    public void File_WithARowTwice_OrNone_IsRefused()
    {
        File.WriteAllText(_folder.At("x.jsonl"), Row + "\n" + Row + "\n");
        Assert.That(Read, Throws.InstanceOf<RunException>().With.Message.Contains(":2: the id '7' is there twice"));
        File.WriteAllText(_folder.At("x.jsonl"), "");
        Assert.That(Read, Throws.InstanceOf<RunException>().With.Message.Contains("has no rows"));
    }

    /// <summary>White space is passed over where a language writes none, and only there.</summary>
    [Test]
    public void Spaces_AreIgnored_WhereCharactersAreWords()
    {
        const string Chinese = """
            {"id":"0","locale":"zh-CN","partition":"test","intent":"x","utt":"这周叫醒","annot_utt":"[date : 这周] 叫醒"}
            """;
        File.WriteAllText(_folder.At("x.jsonl"), Chinese + "\n");
        Assert.That(MassiveFile.Read(_folder.At("x.jsonl"), MassiveLocale.Of("zh-CN")), Has.Count.EqualTo(1));
        File.WriteAllText(_folder.At("x.jsonl"), Chinese.Replace("zh-CN", "ko-KR") + "\n");
        Assert.That(
            () => MassiveFile.Read(_folder.At("x.jsonl"), MassiveLocale.Of("ko-KR")),
            Throws.InstanceOf<RunException>().With.Message.Contains("annot_utt without its marks is not utt"));
    }

    private IReadOnlyList<MassiveRow> Read() =>
        MassiveFile.Read(_folder.At("x.jsonl"), MassiveLocale.Of("en-US"));
}
