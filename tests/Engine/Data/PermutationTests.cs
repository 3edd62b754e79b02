using FastCpt.Engine.Data;

namespace FastCpt.Tests.Engine.Data;

public sealed class PermutationTests
{
    [Test]
    public void Permutation_IsAPermutation([Values(1, 2, 3, 4, 5, 16, 17, 1000, 4096, 4097, 65_537)] int count)
    {
        var order = new Permutation(count, seed: 42, part: 3, epoch: 7);
        long[] values = [.. Enumerable.Range(0, count).Select(i => order.At(i))];
        Assert.That(values.Order(), Is.EqualTo(Enumerable.Range(0, count)));
    }

    [Test]
    public void Permutation_OfOtherSeedPartOrEpoch_IsAnother()
    {
        long[] Values(ulong seed, int part, long epoch) =>
            [.. Enumerable.Range(0, 100).Select(i => new Permutation(100, seed, part, epoch).At(i))];
        long[][] orders =
        [
            Values(1, 0, 0), Values(2, 0, 0), Values(1, 1, 0), Values(1, -1, 0), Values(1, 0, 1),
            Values(1, 0, long.MaxValue),
        ];
        Assert.That(orders.Select(values => string.Join(' ', values)), Is.Unique);
    }

    [Test]
    public void Permutation_PutsEveryNumberEverywhereEquallyOften([Values(3, 10, 37)] int count)
    {
        const int Epochs = 4000;
        var seen = new int[count, count];
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            var order = new Permutation(count, 42, 0, epoch);
            for (int place = 0; place < count; place++)
                seen[place, order.At(place)]++;
        }

        double expected = (double)Epochs / count, chiSquare = 0;
        foreach (int times in seen)
            chiSquare += (times - expected) * (times - expected) / expected;
        // (count − 1)² degrees of freedom; five standard deviations of the chi-square distribution.
        double freedom = (count - 1.0) * (count - 1);
        Assert.That(chiSquare, Is.LessThan(freedom + (5 * Math.Sqrt(2 * freedom))));
    }

    [Test]
    public void Permutation_IsKnownAtAnyPlaceOfAVastRange()
    {
        var order = new Permutation(1L << 56, 42, 0, 0);
        long[] places = [0, 1, 1L << 40, (1L << 56) - 1];
        Assert.That(places.Select(order.At), Is.Unique.And.All.InRange(0L, (1L << 56) - 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => order.At(1L << 56));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new Permutation(0, 42, 0, 0));
    }
}
