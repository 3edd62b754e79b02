using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;

namespace FastCpt.Tests.Kernels;

/// <summary>Attention whose probabilities drop out.</summary>
public sealed class AttentionDropoutTests
{
    private static readonly float[] Rates = [0.1f, 0.5f];

    [Category("slow")]
    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Attention_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (float rate in Rates)
            foreach (AttentionCase shape in AttentionCase.Biting.Select(shape => shape with { Rate = rate }))
                Agreement.Check(backend, types, shape, shape.Forward);
    }

    [Category("slow")]
    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void AttentionBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (float rate in Rates)
            foreach (AttentionCase shape in AttentionCase.Biting.Select(shape => shape with { Rate = rate }))
                Agreement.Check(backend, types, shape, shape.Backward);
    }

    [Test]
    public void Attention_GradientAgreesWithDifferences([Values] AttentionMask mask, [Values(0.1f, 0.5f)] float rate)
    {
        using GradientCheck check = new();
        AttentionCase shape = AttentionCase.Of([5, 1, 7], 4, 2, 3, mask, 3) with { Rate = rate };
        Scene s = check.Scene;
        var (q, k, v) = shape.Operands(s);
        Segments segments = shape.Segments(s);
        AttentionShape dropping = shape.ShapeOn(s.Device);
        Tensor o = s.NewActivation(shape.Rows, 12), lse = s.NewStatistic(shape.Rows, 4);
        check.Check(
            [q, k, v], [o], () => check.Backend.Attention(q, k, v, segments, dropping, o, lse),
            (dO, d) => check.Backend.AttentionBackward(
                q, k, v, segments, dropping, o, lse, dO[0], d[0], d[1], d[2]));
    }

    /// <summary>Probabilities are read off with values that are unit vectors: each is dropped or scaled by the mask
    /// that is documented, of the row's key, the head and the key's place in its segment.</summary>
    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Probabilities_AreTheSoftmaxUnderTheDocumentedMask(string name)
    {
        const int Length = 40, First = 3, Heads = 3;
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        AttentionCase shape = new(
            First + Length, [First, First + Length],
            new AttentionShape(Heads, 1, Length, 0.2f, AttentionMask.Bidirectional)) { Rate = 0.3f };
        double[] units = new double[shape.Rows * Length];
        for (int key = 0; key < Length; key++)
            units[(First + key) * Length + key] = 1;
        Tensor q = s.Activation(shape.Rows, shape.Width), k = s.Activation(shape.Rows, Length);
        Tensor v = s.ActivationOf(units, shape.Rows, Length);
        long[] rowKeys = [.. Enumerable.Range(0, shape.Rows).Select(row => (77L << 20) + 5 * row)];
        var (plain, plainLse) = Run(shape.Shape);
        var (dropped, droppedLse) = Run(shape.ShapeOn(device, rowKeys));
        Assert.That(droppedLse, Is.EqualTo(plainLse));
        DropoutMask mask = new(AttentionCase.Key, 0.3f);
        for (int row = First; row < shape.Rows; row++)
            for (int head = 0; head < Heads; head++)
                for (int key = 0; key < Length; key++)
                {
                    int at = row * shape.Width + head * Length + key;
                    double kept = mask.Keeps(rowKeys[row], key, head) ? 1 / 0.7 : 0;
                    Assert.That(dropped[at], Is.EqualTo(plain[at] * kept).Within(1e-6 * plain[at]));
                }

        (double[] O, double[] Lse) Run(AttentionShape attention)
        {
            Tensor o = s.NewActivation(shape.Rows, shape.Width), lse = s.NewStatistic(shape.Rows, Heads);
            backend.Attention(q, k, v, shape.Segments(s), attention, o, lse);
            return (device.Read(o), device.Read(lse));
        }
    }

    /// <summary>Over seeds, the mean of each output is the output without dropout.</summary>
    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Attention_OverManySeeds_HasTheMeanOfNoDropout(string name)
    {
        const int Seeds = 2000;
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        AttentionCase shape = AttentionCase.Of([9], 2, 1, 4, AttentionMask.Bidirectional, 0) with { Rate = 0.3f };
        var (q, k, v) = shape.Operands(s);
        Segments segments = shape.Segments(s);
        Tensor o = s.NewActivation(9, 8), lse = s.NewStatistic(9, 2);
        backend.Attention(q, k, v, segments, shape.Shape, o, lse);
        double[] expected = device.Read(o), sums = new double[expected.Length], squares = new double[expected.Length];
        AttentionShape dropping = shape.ShapeOn(device);
        for (int seed = 0; seed < Seeds; seed++)
        {
            AttentionDropout dropout = dropping.Dropout with { Key = AttentionCase.Key with { Seed = (ulong)seed } };
            backend.Attention(q, k, v, segments, dropping with { Dropout = dropout }, o, lse);
            double[] values = device.Read(o);
            for (int i = 0; i < values.Length; i++)
                (sums[i], squares[i]) = (sums[i] + values[i], squares[i] + values[i] * values[i]);
        }

        for (int i = 0; i < expected.Length; i++)
        {
            double mean = sums[i] / Seeds, error = Math.Sqrt((squares[i] / Seeds - mean * mean) / Seeds);
            Assert.That(error, Is.Positive);
            // 72 outputs: the largest of as many deviations is beyond 4.5 once in 2,000 draws of the seeds.
            Assert.That(mean, Is.EqualTo(expected[i]).Within(4.5 * error), $"output {i}");
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Segment_HasTheSameBitsWhateverTheOthersHold(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        int[] alone = [29], among = [7, 29, 64, 3];
        foreach (AttentionMask mask in Enum.GetValues<AttentionMask>())
        {
            AttentionCase single = AttentionCase.Of(alone, 4, 2, 16, mask, 9) with { Rate = 0.3f };
            AttentionCase packed = AttentionCase.Of(among, 4, 2, 16, mask, 9) with { Rate = 0.3f };
            double[] expected = single.SegmentResults(backend, types, 0, seed: 3);
            Assert.That(
                (single with { Rate = 0 }).SegmentResults(backend, types, 0, seed: 3), Is.Not.EqualTo(expected));
            foreach (int others in (int[])[10, 11])
                Assert.That(
                    packed.SegmentResults(backend, types, 1, seed: 3, others), Is.EqualTo(expected),
                    $"{mask}, the other segments from seed {others}");
        }
    }

    [Test]
    public void Attention_OfWrongRatesOrRowKeysThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(5, 4)), lse = device.Empty(DType.F32, new Shape(5, 1));
        Segments all = new(device.Put([0, 5], new Shape(1, 2)), 5);
        AttentionShape shape = new(1, 1, 4, 0.5f, AttentionMask.Bidirectional);
        Tensor keys = device.Put([1L, 2L, 3L, 4L, 5L]);
        Assert.DoesNotThrow(() => Run(0, Tensor.None));
        Assert.DoesNotThrow(() => Run(0.1f, keys));
        foreach (float rate in (float[])[1, -0.1f, float.NaN])
            Assert.Throws<ArgumentException>(() => Run(rate, keys), $"{rate}");
        Tensor narrow = device.Put([1, 2, 3, 4, 5], new Shape(5));
        foreach (Tensor wrong in (Tensor[])[Tensor.None, device.Put([1L, 2L]), narrow])
            Assert.Throws<ArgumentException>(() => Run(0.1f, wrong), $"{wrong}");

        void Run(float rate, Tensor rowKeys)
        {
            AttentionShape dropping = shape with { Dropout = new AttentionDropout(rate, AttentionCase.Key, rowKeys) };
            device.Backend.Attention(x, x, x, all, dropping, x, lse);
        }
    }
}
