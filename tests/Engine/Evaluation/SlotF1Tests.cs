using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Evaluation;

public sealed class SlotF1Tests
{
    private const double Tolerance = 1e-6;      // what the specification's table is given to

    [TestCase("O O O B-M I-M I-M O ; B-P I-P O", "O O B-M I-M I-M I-M O ; B-P I-P O", 0.5, 0.5)]
    [TestCase("B-date I-date O", "I-date I-date O", 1.0, 0.0)]
    [TestCase("B-date B-date", "B-date I-date", 0.0, 0.0)]
    [TestCase("O B-time I-time O B-date", "O I-time I-time O B-date", 1.0, 2 / 3.0)]
    [TestCase("B-date I-date", "B-date I-time", 0.0, 0.0)]
    [TestCase("O O", "O O", 0.0, 0.0)]
    public void Fact30_SlotF1_OfThePublishedCases(string gold, string predicted, double byDefault, double strict)
    {
        Assert.That(Score(SlotScoring.Default, gold, predicted).Value, Is.EqualTo(byDefault).Within(Tolerance));
        Assert.That(Score(SlotScoring.Strict, gold, predicted).Value, Is.EqualTo(strict).Within(Tolerance));
    }

    [Test]
    public void Fact30_SlotF1_OfTheOfficialCase()
    {
        const int Dot = Backend.IgnoredTarget;
        var f1 = new SlotF1(SlotScoring.Official);
        f1.Add([50, Dot, 50, Dot, Dot, 20, 0, 10, 0, Dot, 20], [50, 7, 50, 7, 7, 20, 20, 10, 10, 7, 20]);
        Assert.That((f1.GoldCount, f1.PredictedCount, f1.CorrectCount), Is.EqualTo((4L, 4L, 2L)));
        Assert.That(f1.Value, Is.EqualTo(0.5).Within(Tolerance));
    }

    // MASSIVE, test/test_eval_metrics.py: X, Y, Z are 1, 2, 3.
    [TestCase(new[] { 1, 1, 2 }, new[] { 1, 1, 3 }, 0.5)]
    [TestCase(new[] { 1, 1, 0, 1, 1, 3, 2 }, new[] { 1, 1, 0, 1, 1, 2, 3 }, 0.5)]
    [TestCase(new[] { 1, 1, 0, 2, 2 }, new[] { 1, 1, 1, 2, 2 }, 0.5)]
    [TestCase(new[] { 1, 1, 0, 2, 2 }, new[] { 1, 0, 0, 2, 2 }, 0.5)]
    public void Official_GivesWhatMassivesOwnTestsExpect(int[] gold, int[] predicted, double expected)
    {
        var f1 = new SlotF1(SlotScoring.Official);
        f1.Add(gold, predicted);
        Assert.That(f1.Value, Is.EqualTo(expected).Within(Tolerance));
    }

    [Test]
    public void Sums_RunOverSentences_NotMeans()
    {
        SlotF1 f1 = Score(SlotScoring.Default, "B-a ; B-a B-a B-b", "O ; B-a B-a B-b");
        Assert.That((f1.GoldCount, f1.PredictedCount, f1.CorrectCount), Is.EqualTo((4L, 3L, 3L)));
        Assert.That((f1.Precision, f1.Recall), Is.EqualTo((1.0, 0.75)));
        Assert.That(f1.Value, Is.EqualTo(6.0 / 7).Within(Tolerance));
    }

    [Test]
    public void Strict_LetsAnIOfAnotherTypeEndASpan()
    {
        SlotF1 f1 = Score(SlotScoring.Strict, "B-a O I-b B-b I-b", "B-a I-b I-a B-b I-b");
        Assert.That((f1.GoldCount, f1.PredictedCount, f1.CorrectCount), Is.EqualTo((2L, 2L, 2L)));
        Assert.That(Score(SlotScoring.Default, "B-a I-b", "B-a I-b").GoldCount, Is.EqualTo(2));
    }

    [TestCase(LabelMode.Bio, SlotScoring.Default, SlotScoring.Strict)]
    [TestCase(LabelMode.Space, SlotScoring.Default, SlotScoring.Strict)]
    [TestCase(LabelMode.Official, SlotScoring.Official, SlotScoring.Official)]
    [TestCase(LabelMode.OfficialCompat, SlotScoring.Official, SlotScoring.Official)]
    public void Scoring_FollowsTheLabels(LabelMode mode, SlotScoring plain, SlotScoring strict)
    {
        Assert.That(SlotF1.ScoringOf(mode), Is.EqualTo(plain));
        Assert.That(SlotF1.ScoringOf(mode, strict: true), Is.EqualTo(strict));
    }

    [Test]
    public void Predictions_OfAnotherLength_AreRefused() =>
        Assert.That(() => new SlotF1().Add([0, 0], [0]), Throws.ArgumentException);

    /// <summary>Sentences are separated by " ; "; types get numbers as they come.</summary>
    private static SlotF1 Score(SlotScoring scoring, string gold, string predicted)
    {
        var f1 = new SlotF1(scoring);
        var types = new List<string>();
        foreach (var (g, p) in gold.Split(" ; ").Zip(predicted.Split(" ; ")))
            f1.Add(Ids(g), Ids(p));
        return f1;

        int[] Ids(string labels) => Array.ConvertAll(labels.Split(' '), label =>
        {
            if (label == "O")
                return LabelMap.Outside;
            if (!types.Contains(label[2..]))
                types.Add(label[2..]);
            return LabelMap.Bio.Label(types.IndexOf(label[2..]), isFirst: label[0] == 'B');
        });
    }
}
