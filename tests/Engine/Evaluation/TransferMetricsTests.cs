using FastCpt.Engine.Evaluation;

namespace FastCpt.Tests.Engine.Evaluation;

public sealed class TransferMetricsTests
{
    private const double Tolerance = 1e-6;      // the published table is given to it

    private static readonly ContinualMetrics Metrics = new(Transfers.Published);
    private static readonly MultiHop Hops = new(Transfers.Published);

    [Test]
    public void Fact30_Averages_OfThePublishedTable()
    {
        AreEqual(Metrics.FinalAverage, 0.64);
        AreEqual([.. Places(1, 4).Select(Metrics.SeenAverage)], 0.70, 0.68, 0.593333333, 0.64);
        AreEqual(Metrics.MeanSeenAverage, 0.653333333);
        AreEqual([.. Places(1, 3).Select(Metrics.CftAt)], 0.30, 0.32, 0.34);
        AreEqual(Metrics.Cft, 0.32);
        AreEqual([.. Places(2, 4).Select(Metrics.CbtAt)], -0.06, -0.16, -0.093333333);
        AreEqual(Metrics.Cbt, -0.093333333);
        AreEqual(Metrics.Bwt, -0.093333333);
        AreEqual(Metrics.Fwt, 0.32);
        AreEqual(Metrics.Forgetting, 0.093333333);
        AreEqual(Metrics.ForgettingFromTheStart, 0.093333333);
        AreEqual(Metrics.RunningForgetting, 0.104444444);
        AreEqual(Metrics.TransferAgainst(Transfers.Mono), -0.003333333);
    }

    [Test]
    public void Fact30_MultiHop_OfThePublishedTable()
    {
        AreEqual([.. Places(1, 3).Select(j => Hops.Backward(HopView.Receiver, j))], -0.12, -0.09, -0.12);
        AreEqual(Hops.MeanBackward(HopView.Receiver), -0.11);
        AreEqual([.. Places(2, 4).Select(j => Hops.Forward(HopView.Receiver, j))], 0.39, 0.23, 0.31);
        AreEqual(Hops.MeanForward(HopView.Receiver), 0.31);
        AreEqual([.. Places(2, 4).Select(i => Hops.Backward(HopView.Donor, i))], -0.06, -0.13, 0.013333333);
        AreEqual(Hops.MeanBackward(HopView.Donor), -0.058888889);
        AreEqual([.. Places(1, 3).Select(i => Hops.Forward(HopView.Donor, i))], 0.286666667, 0.07, -0.04);
        AreEqual(Hops.MeanForward(HopView.Donor), 0.105555556);
        AreEqual([.. Places(1, 3).Select(k => Hops.Forward(HopView.Distance, k))], 0.32, 0.275, 0.27);
        AreEqual([.. Places(1, 3).Select(k => Hops.Backward(HopView.Distance, k))], -0.10, -0.13, -0.10);
    }

    [Test]
    public void Intransigence_IsWhatLearningTogetherWouldHaveGiven() =>
        AreEqual(Metrics.Intransigence(Transfers.Mono), (0.01 + 0.01 + 0.02 - 0.02) / 4);

    [Test]
    public void Fact31_OneLanguage_HasAnAverageAndNothingElse()
    {
        TransferMatrix one = Transfers.Of([0.1], [0.7]);
        var metrics = new ContinualMetrics(one);
        var hops = new MultiHop(one);
        AreEqual(metrics.FinalAverage, 0.7);
        double?[] others =
        [
            metrics.Cft, metrics.Cbt, metrics.Bwt, metrics.Fwt, metrics.Forgetting, metrics.ForgettingFromTheStart,
            metrics.RunningForgetting, metrics.TransferAgainst(Transfers.Mono),
            .. Enum.GetValues<HopView>().SelectMany(view =>
                (double?[])[hops.MeanForward(view), hops.MeanBackward(view), hops.Forward(view, 1)]),
        ];
        Assert.That(others, Has.All.Null);
        Assert.That(Undefined.Text(metrics.Cbt, "F2"), Is.EqualTo("undefined"));
        Assert.That(Undefined.Text(metrics.FinalAverage, "F2"), Is.EqualTo("0.70"));
    }

    /// <summary>The policy "skip" leaves what is right of the diagonal unmeasured.</summary>
    [Test]
    public void UndefinedCells_LeaveUndefinedOnlyWhatReadsThem()
    {
        TransferMatrix lower = Transfers.Of([null, null, null], [0.7, null, null], [0.7, 0.6, null], [0.7, 0.6, 0.5]);
        var metrics = new ContinualMetrics(lower);
        var hops = new MultiHop(lower);
        AreEqual(metrics.FinalAverage, 0.6);
        AreEqual(metrics.Cbt, 0);
        AreEqual(hops.MeanBackward(HopView.Receiver), 0);
        AreEqual(hops.MeanBackward(HopView.Donor), 0);
        AreEqual(metrics.Forgetting, 0);
        Assert.That((metrics.Cft, metrics.Fwt, metrics.ForgettingFromTheStart, metrics.AllAverage(1)),
            Is.EqualTo(((double?)null, (double?)null, (double?)null, (double?)null)));
        Assert.That(hops.MeanForward(HopView.Receiver), Is.Null);
    }

    [Test]
    public void Fact32_Forgetting_IsAtLeastTheLoss_WithEqualityWhereTheDiagonalIsBest(
        [Range(1, 20)] int seed, [Values(2, 3, 7)] int count)
    {
        TransferMatrix r = Transfers.Random(seed, count);
        var metrics = new ContinualMetrics(r);
        Assert.That(metrics.Bwt, Is.EqualTo(metrics.Cbt));
        Assert.That(metrics.Forgetting, Is.GreaterThanOrEqualTo(-metrics.Cbt!.Value - 1e-12));
        bool diagonalIsBest = Places(1, count - 1).All(j =>
            Places(j, count - 1).All(l => r[l, j] <= r.Diagonal(j)));
        Assert.That(Math.Abs(metrics.Forgetting!.Value + metrics.Cbt.Value) < 1e-12, Is.EqualTo(diagonalIsBest));
        for (int j = 1; j < count; j++)
            for (int l = j + 1; l <= count; l++)
                r[l, j] = Math.Min(r[l, j]!.Value, r.Diagonal(j)!.Value);
        AreEqual(metrics.Forgetting, -metrics.Cbt!.Value);
        for (int j = 1; j <= count; j++)
            for (int l = j + 1; l <= count; l++)
                r[l, j] = Math.Max(r[l, j]!.Value, r[l - 1, j]!.Value);
        Assert.That(metrics.Forgetting, Is.LessThanOrEqualTo(0));
    }

    [Test]
    public void Fact33_WeightedReceivers_AreTheRunningLosses([Range(1, 10)] int seed, [Values(2, 3, 7)] int count)
    {
        TransferMatrix r = Transfers.Random(seed, count);
        var hops = new MultiHop(r);
        var metrics = new ContinualMetrics(r);
        double pairs = count * (count - 1) / 2.0;
        double? receivers = Places(1, count - 1).Sum(j => (count - j) * hops.Backward(HopView.Receiver, j)) / pairs;
        AreEqual(receivers, Places(2, count).Sum(i => (i - 1) * metrics.CbtAt(i))!.Value / pairs);
    }

    [Test]
    public void Fact34_Steps_AddUpToTheLoss([Range(1, 10)] int seed, [Values(2, 3, 7)] int count)
    {
        TransferMatrix r = Transfers.Random(seed, count);
        foreach (int j in Places(1, count))
            AreEqual(
                Places(j + 1, count).Sum(i => r[i, j] - r[i - 1, j]), r[count, j]!.Value - r.Diagonal(j)!.Value);
        var hops = new MultiHop(r);
        double? donors = Places(2, count).Sum(i => (i - 1) * hops.Backward(HopView.Donor, i));
        AreEqual(donors, (count - 1) * new ContinualMetrics(r).Cbt!.Value);
    }

    [Test]
    public void Orders_AreAveragedByLocaleFirst_WithoutUndefinedEnds()
    {
        var first = new TransferMatrix(["a", "b"]);
        var second = new TransferMatrix(["b", "a"]);
        foreach (TransferMatrix r in (TransferMatrix[])[first, second])
            (r[0, 1], r[0, 2], r[1, 1], r[1, 2], r[2, 1], r[2, 2]) = (0, 0, 0.8, 0.3, 0.6, 0.7);
        second[2, 1] = 0.7;
        IReadOnlyDictionary<string, double?> losses = LocaleAverages.Of(
            [first, second], (r, j) => new MultiHop(r).Backward(HopView.Receiver, j));
        AreEqual(losses["a"], -0.2);
        AreEqual(losses["b"], -0.1);
        AreEqual(LocaleAverages.MeanOfDefined(losses.Values), -0.15);
        losses = LocaleAverages.Of([first], (r, j) => new MultiHop(r).Backward(HopView.Receiver, j));
        Assert.That(losses["b"], Is.Null);
        AreEqual(LocaleAverages.MeanOfDefined(losses.Values), -0.2);
    }

    [TestCase(-1, 1)]
    [TestCase(5, 1)]
    [TestCase(1, 0)]
    [TestCase(1, 5)]
    public void Matrix_RefusesPlacesOutside(int step, int position) =>
        Assert.That(() => Transfers.Published[step, position], Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void Matrix_HoldsNoNaN() => Assert.That(
        () => new TransferMatrix(["a"])[0, 1] = double.NaN, Throws.InstanceOf<ArgumentOutOfRangeException>());

    private static IEnumerable<int> Places(int first, int last) =>
        Enumerable.Range(first, Math.Max(0, last - first + 1));

    private static void AreEqual(double? found, double expected) =>
        Assert.That(found, Is.EqualTo(expected).Within(Tolerance));

    private static void AreEqual(double?[] found, params double[] expected)
    {
        Assert.That(found, Has.Length.EqualTo(expected.Length));
        for (int i = 0; i < found.Length; i++)
            AreEqual(found[i], expected[i]);
    }
}
