using System.Text;
using System.Text.Json;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Files;

public sealed class StrictJsonTests
{
    private static readonly object[] Refused =
    [
        new object[] { "", "1:1", "not valid JSON" },
        new object[] { "{", "1:2", "not valid JSON" },
        new object[] { "{}x", "1:3", "not valid JSON" },
        new object[] { "{\"a\": 1,}", "1:9", "not valid JSON" },
        new object[] { "{\n  // note\n}", "2:", "not valid JSON" },
        new object[] { "{\n \"a\": NaN}", "2:7", "not valid JSON" },
        new object[] { "{\"a\": 01}", "1:8", "not valid JSON" },
        new object[] { "\uFEFF{}", "1:1", "byte order mark" },
        new object[] { "{\"w\": 1,\n \"w\": 2}", "2:2", "twice" },
        new object[] { "{\"w\": 1, \"\\u0077\": 2}", "1:10", "twice" },
        new object[] { "[{\"a\": {\"b\": 1, \"b\": 1}}]", "1:17", "twice" },
        new object[] { "{\"a\": \"\\ud800\"}", "1:7", "surrogate" },
        new object[] { "{\"\\udc00x\": 1}", "1:2", "surrogate" },
        new object[] { "{\"a\": 1e999}", "1:7", "too large" },
        new object[] { "{\"a\": [1, -1e400]}", "1:11", "too large" },
    ];

    [TestCaseSource(nameof(Refused))]
    public void StrictJson_RefusesWithPlace(string text, string place, string reason)
    {
        RunException error = Assert.Throws<RunException>(() => Parse(Encoding.UTF8.GetBytes(text)))!;
        Assert.Multiple(() =>
        {
            Assert.That(error.Code, Is.EqualTo(ExitCode.ModelFile));
            Assert.That(error.Message, Does.StartWith("config.json:" + place).And.Contain(reason));
        });
    }

    [TestCase(new byte[] { (byte)'{', (byte)'\n', 0xFF, (byte)'}' }, "2:1")]
    [TestCase(new byte[] { (byte)'"', 0xC0, 0xAF, (byte)'"' }, "1:2", TestName = "overlong")]
    [TestCase(new byte[] { (byte)'"', 0xED, 0xA0, 0x80, (byte)'"' }, "1:2", TestName = "raw surrogate")]
    public void StrictJson_RefusesInvalidUtf8(byte[] text, string place)
    {
        RunException error = Assert.Throws<RunException>(() => Parse(text))!;
        Assert.That(error.Message, Does.StartWith("config.json:" + place).And.Contain("UTF-8"));
    }

    [Test]
    public void StrictJson_ReadsWhatIsRight()
    {
        using JsonDocument document = Parse(
            """ {"a": [{"x": 1}, {"x": 2}], "b": {"x": "\ud83d\ude00"}, "x": -0.5e-300} """u8.ToArray());
        Assert.That(document.RootElement.GetProperty("b").GetProperty("x").GetString(), Is.EqualTo("😀"));
    }

    [Test]
    public void StrictJson_BoundsDepthAndCount()
    {
        byte[] deep = Encoding.UTF8.GetBytes(new string('[', 100_000));
        Assert.That(() => Parse(deep), Throws.TypeOf<RunException>().With.Message.Contains("depth"));
        byte[] nested = Encoding.UTF8.GetBytes(new string('[', 64) + new string(']', 64));
        Assert.That(() => Parse(nested), Throws.Nothing);
        Assert.That(
            () => StrictJson.Parse("[1,\n2,3]"u8.ToArray(), "x", ExitCode.Config, maxNodes: 3),
            Throws.TypeOf<RunException>().With.Message.StartsWith("x:2:3: more than 3 values"));
    }

    [Test]
    public void StrictJson_RefusesLargeFilesBeforeReadingThem()
    {
        using var folder = new TestFolder();
        string path = folder.At("large.json");
        using (FileStream file = File.Create(path))
            file.SetLength(5L << 40);    // a hole: no disk is used
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => StrictJson.Load(path, ExitCode.Config),
            Throws.TypeOf<RunException>().With.Message.Contains("at most 1048576"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }

    [Test]
    public void StrictJson_SaysWhyAFileCannotBeRead()
    {
        using var folder = new TestFolder();
        Assert.That(() => StrictJson.Load(folder.At("none.json"), ExitCode.Config),
            Throws.TypeOf<RunException>().With.Message.Contains("No such file"));
        Assert.That(() => StrictJson.Load(folder.Path, ExitCode.Config),
            Throws.TypeOf<RunException>().With.Message.Contains("is a folder"));
        Assert.That(() => StrictJson.Load("a\0b", ExitCode.Config), Throws.TypeOf<RunException>());
    }

    private static JsonDocument Parse(byte[] text) => StrictJson.Parse(text, "config.json", ExitCode.ModelFile);
}
