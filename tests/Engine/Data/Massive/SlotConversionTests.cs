using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Data.Massive;

public sealed class SlotConversionTests
{
    [Test]
    public void Fact05_English_GetsBAndI() =>
        Assert.That(
            Labels("en-US", LabelMode.Bio, "wake me up at [time : five am] [date : this week]"),
            Is.EqualTo("O O O O B-time I-time B-date I-date"));

    [Test]
    public void Fact06_NeighboursOfOneType_AreTwoSpansInBio_OneOfficially()
    {
        const string Text = "[date : monday] [date : tuesday]";
        Assert.That(Labels("en-US", LabelMode.Bio, Text), Is.EqualTo("B-date B-date"));
        Assert.That(Labels("en-US", LabelMode.Official, Text), Is.EqualTo("date date"));
        Assert.That(Spans(LabelMode.Bio, Text), Is.EqualTo(2));
        Assert.That(Spans(LabelMode.Official, Text), Is.EqualTo(1));
    }

    [Test]
    public void Fact07_Chinese_IsSplitIntoCharacters()
    {
        LabelledWords words = Convert("zh-CN", LabelMode.Bio, "[date : 这周] [time : 早上五点] 叫醒我");
        Assert.That(string.Join(' ', words.Words), Is.EqualTo("这 周 早 上 五 点 叫 醒 我"));
        Assert.That(
            Names(LabelMode.Bio, words), Is.EqualTo("B-date I-date B-time I-time I-time I-time O O O"));
    }

    [Test]
    public void Fact08_TheOfficialScriptsLeak_IsReproducedOnlyForCompatibility()
    {
        const string Text = "播放 [artist_name : taylor swift] 的 歌";
        Assert.That(
            Convert("zh-CN", LabelMode.Bio, Text).Words, Is.EqualTo(["播", "放", "taylor", "swift", "的", "歌"]));
        Assert.That(
            Labels("zh-CN", LabelMode.OfficialCompat, Text),
            Is.EqualTo("Other Other artist_name artist_name artist_name artist_name"));
        Assert.That(
            Labels("zh-CN", LabelMode.Official, Text), Is.EqualTo("Other Other artist_name artist_name Other Other"));
        Assert.That(Labels("zh-CN", LabelMode.Bio, Text), Is.EqualTo("O O B-artist_name I-artist_name O O"));
        Assert.That(
            Labels("zh-CN", LabelMode.OfficialCompat, Text + " [date : 今天] 吧"), Does.EndWith("date date Other"));
        Assert.That(
            Labels("en-US", LabelMode.OfficialCompat, "play [artist_name : taylor swift] now"),
            Is.EqualTo("Other artist_name artist_name Other"));
    }

    [Test]
    public void Space_TakesWordsOfTheAnnotatedText_InEveryLocale()
    {
        LabelledWords words = Convert("zh-CN", LabelMode.Space, "[date : 这周] [time : 早上五点] 叫醒我");
        Assert.That(words.Words, Is.EqualTo(["这周", "早上五点", "叫醒我"]));
        Assert.That(Names(LabelMode.Space, words), Is.EqualTo("B-date B-time O"));
    }

    /// <summary>A character beyond 16 bits is one word.</summary>
    [Test]
    public void Characters_AreCodePoints() =>
        Assert.That(Convert("ja-JP", LabelMode.Bio, "𠮟る ok").Words, Is.EqualTo(["𠮟", "る", "ok"]));

    [Test]
    public void Fact02_Labels_AreFixed()
    {
        Assert.That(SlotTypes.Names, Has.Count.EqualTo(55));
        Assert.That(SlotTypes.Names, Is.Ordered.Using((IComparer<string>)StringComparer.Ordinal));
        Assert.That(LabelMap.Bio.Count, Is.EqualTo(111));
        Assert.That(LabelMap.Types.Count, Is.EqualTo(56));
        Assert.That(LabelMap.Bio.Names[0], Is.EqualTo("O"));
        for (int k = 0; k < 55; k++)
        {
            Assert.That(LabelMap.Bio.Names[1 + (2 * k)], Is.EqualTo("B-" + SlotTypes.Names[k]));
            Assert.That(LabelMap.Bio.Label(k, isFirst: true), Is.EqualTo(1 + (2 * k)));
            Assert.That(LabelMap.Bio.Names[2 + (2 * k)], Is.EqualTo("I-" + SlotTypes.Names[k]));
            Assert.That(LabelMap.Types.Names[LabelMap.Types.Label(k, isFirst: false)], Is.EqualTo(SlotTypes.Names[k]));
        }

        // What adapters on disk are bound to: computed apart from this program, of the names one a line.
        Assert.That(
            LabelMap.Bio.Sha256, Is.EqualTo("bd31ae3baf720921b4706f2b3166e965df40abf8090af914a89f34d2b2b6fd59"));
        Assert.That(
            LabelMap.Types.Sha256, Is.EqualTo("843207cfb9db534b6e07b345d5258d4f4d2290b3f66b00aec735094def221844"));
    }

    [TestCase("[time : five [date : x]]", "character 1: '[' opens a slot within a slot")]
    [TestCase("at [time : five", "character 4: '[' is not closed")]
    [TestCase("at five] x", "character 8: ']' closes no slot")]
    [TestCase("[tempus : five]", "'tempus' is none of the 55 slot types")]
    [TestCase("[time :  ] x", "the slot has no words")]
    [TestCase("[time five] x", "there is no ' : '")]
    public void Annotation_RefusesWhatIsNoMark(string text, string reason)
    {
        RunException e = Assert.Throws<RunException>(() => Annotation.Parse(text, "x.jsonl:7"))!;
        Assert.That(e.Message, Does.StartWith("x.jsonl:7: ").And.Contain(reason));
        Assert.That(e.Code, Is.EqualTo(ExitCode.Config));
    }

    [Test]
    public void Conversion_RefusesASlotThatEndsWithinAWord() => Assert.That(
        () => Convert("en-US", LabelMode.Bio, "at [time : five]pm"),
        Throws.InstanceOf<RunException>().With.Message.Contains("within a word"));

    private static LabelledWords Convert(string locale, LabelMode mode, string annotated)
    {
        AnnotationPart[] parts = Annotation.Parse(annotated, "test");
        var row = new MassiveRow(0, "0", Partition.Train, "x", Annotation.Strip(parts), parts);
        return new SlotConversion(MassiveLocale.Of(locale), mode).Convert(row);
    }

    private static string Labels(string locale, LabelMode mode, string annotated) =>
        Names(mode, Convert(locale, mode, annotated));

    private static string Names(LabelMode mode, LabelledWords words) =>
        string.Join(' ', words.Labels.Select(label => LabelMap.Of(mode).Names[label]));

    private static long Spans(LabelMode mode, string annotated)
    {
        int[] labels = [.. Convert("en-US", mode, annotated).Labels];
        var f1 = new FastCpt.Engine.Evaluation.SlotF1(FastCpt.Engine.Evaluation.SlotF1.ScoringOf(mode));
        f1.Add(labels, labels);
        return f1.GoldCount;
    }
}
