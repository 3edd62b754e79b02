using FastCpt.Engine.Config;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Evaluation;

public sealed class TransferFileTests
{
    private TestFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TestFolder();

    [TearDown]
    public void DeleteFolder() => _folder.Dispose();

    [Test]
    public void Record_ComesBackToTheBit([Values] bool isWhole)
    {
        TransferMatrix r = Transfers.Random(5, 3);
        r[1, 3] = null;
        r[2, 2] = 0.1 + 0.2;
        var record = new TransferRecord(
            r, "p1", isWhole ? SharingStrategy.Vanilla : SharingStrategy.NonShared, isWhole ? null : 32, 7,
            ulong.MaxValue, isWhole ? null : 3, LabelMode.OfficialCompat, UntrainedPolicy.Skip);
        TransferFile.Save(_folder.At("r.json"), record);
        TransferRecord read = TransferFile.Load(_folder.At("r.json"));
        Assert.That(read with { Scores = r }, Is.EqualTo(record));
        Assert.That(read.Scores.Locales, Is.EqualTo(r.Locales));
        for (int step = 0; step <= 3; step++)
            for (int j = 1; j <= 3; j++)
                Assert.That(read.Scores[step, j], Is.EqualTo(r[step, j]));
        byte[] bytes = File.ReadAllBytes(_folder.At("r.json"));
        TransferFile.Save(_folder.At("r.json"), read);
        Assert.That(File.ReadAllBytes(_folder.At("r.json")), Is.EqualTo(bytes));
    }

    [TestCase("\"rank\":32", "\"rank\":0", "rank")]
    [TestCase("\"rank\":32", "\"rank\":\"r\"", "no matrix of scores")]
    [TestCase("[0.5,0.25]]", "[0.5,1.25]]", "r holds 1.25")]
    [TestCase("[0.5,0.25]]", "[0.5]]", "row 2 of r has 1 entries, expected 2")]
    [TestCase(",[0.5,0.25]]", "]", "r has 2 entries, expected 3")]
    [TestCase("\"a\",\"b\"", "\"a\",\"a\"", "each once")]
    [TestCase("\"strategy\":\"shared\"", "\"strategy\":\"split\"", "strategy: 'split' is not known")]
    [TestCase("\"order\":\"p1\",", "", "'order' is missing")]
    [TestCase("\"order\"", "\"odor\":1,\"order\"", "the key 'odor' is not known")]
    public void File_ThatIsNoRecord_IsRefused(string old, string replacement, string reason)
    {
        var record = new TransferRecord(
            Transfers.Of([0, 0], [0.5, 0.5], [0.5, 0.25]), "p1", SharingStrategy.Shared, 32, 1, 2, 3, LabelMode.Bio,
            UntrainedPolicy.Latest);
        TransferFile.Save(_folder.At("r.json"), record);
        string text = File.ReadAllText(_folder.At("r.json"));
        Assert.That(text, Does.Contain(old));
        File.WriteAllText(_folder.At("r.json"), text.Replace(old, replacement));
        Assert.That(() => TransferFile.Load(_folder.At("r.json")),
            Throws.InstanceOf<RunException>().With.Message.Contains(reason)
                .And.Property(nameof(RunException.Code)).EqualTo(ExitCode.Config));
    }
}
