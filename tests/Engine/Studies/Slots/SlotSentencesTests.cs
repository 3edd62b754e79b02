using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;
using FastCpt.Engine.Studies.Slots;
using FastCpt.Tests.Engine.Data;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Studies.Slots;

/// <summary>Partitions are encoded when they are asked for, and not before.</summary>
public sealed class SlotSentencesTests
{
    [Test]
    public void Partition_ThatIsNotAskedFor_IsNotEncoded()
    {
        using var folder = new TestFolder();
        File.WriteAllText(
            folder.At("en-US.jsonl"),
            """
            {"id":"1","locale":"en-US","partition":"train","intent":"x","utt":"at nine","annot_utt":"at [time : nine]"}

            """);
        var data = new SlotDataConfig { Files = folder.At("{locale}.jsonl"), Locales = ["en-US"] };
        var sentences = new SlotSentences(data, new ByteTokenizer(), maxTokens: 64, threads: 1);
        SentenceSet train = sentences.Of("en-US", Partition.Train);
        Assert.That((train.Count, train.WordCount), Is.EqualTo((1, 2)));
        Assert.That(sentences.Of("en-US", Partition.Train), Is.SameAs(train));
        Assert.That(
            () => sentences.Of("en-US", Partition.Dev),
            Throws.TypeOf<RunException>().With.Message.Contains("there are no rows of its Dev partition"));
    }
}
