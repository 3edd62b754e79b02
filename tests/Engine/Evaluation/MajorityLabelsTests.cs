using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Evaluation;

public sealed class MajorityLabelsTests
{
    [Test]
    public void Words_GetTheirMostFrequentLabel_AndOutsideWhereUnseen()
    {
        var baseline = new MajorityLabels(
        [
            new LabelledWords(["at", "five", "may"], [0, 5, 7]), new LabelledWords(["five", "may", "five"], [5, 3, 0]),
        ]);
        Assert.That(
            baseline.Predict(new LabelledWords(["five", "may", "at", "six"], [0, 0, 0, 0])),
            Is.EqualTo(new[] { 5, 3, 0, 0 }));
    }

    [Test]
    public void Measure_IsSlotF1()
    {
        var baseline = new MajorityLabels([new LabelledWords(["a", "b"], [1, 3])]);
        Assert.That(
            baseline.Measure([new LabelledWords(["a", "b", "c"], [1, 3, 5])], SlotScoring.Default),
            Is.EqualTo(0.8).Within(1e-12));
    }

    /// <summary>What encoders have to beat; the numbers were computed apart from this program.</summary>
    [TestCase("en-US", 0.539085)]
    [TestCase("zh-CN", 0.195544)]
    public void RealLocales_HaveABaseline(string locale, double expected)
    {
        MassiveLocale of = MassiveLocale.Of(locale);
        var conversion = new SlotConversion(of, LabelMode.Bio);
        ILookup<Partition, LabelledWords> sentences =
            MassiveFile.Read(TestData.Path($"massive/{locale}.jsonl.gz"), of)
                .ToLookup(row => row.Partition, conversion.Convert);
        double f1 = new MajorityLabels(sentences[Partition.Train])
            .Measure(sentences[Partition.Test], SlotScoring.Default);
        Assert.That(f1, Is.EqualTo(expected).Within(1e-6));
    }
}
