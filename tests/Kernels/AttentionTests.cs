using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;
using FsCheck;
using FsCheck.Fluent;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace FastCpt.Tests.Kernels;

public sealed class AttentionTests
{
    private const int DrawnShapes = 15;

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Attention_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (AttentionCase shape in AttentionCase.Biting)
            Agreement.Check(backend, types, shape, shape.Forward);
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void AttentionBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (AttentionCase shape in AttentionCase.Biting)
            Agreement.Check(backend, types, shape, shape.Backward);
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Attention_AgreesWithReferenceOnDrawnShapes(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        Gen<AttentionCase> shapes =
            from lengths in Gen.ListOf(Gen.Choose(0, 40), 3)
            from keyHeads in Gen.Choose(1, 2)
            from queries in Gen.Choose(1, 3)
            from size in Gen.Choose(1, 40)
            from mask in Gen.Elements(AttentionMask.Causal, AttentionMask.Window, AttentionMask.Bidirectional)
            from window in Gen.Choose(1, 45)
            select AttentionCase.Of([.. lengths], keyHeads * queries, keyHeads, size, mask, window);
        Prop.ForAll(shapes.ToArbitrary(), shape =>
        {
            Agreement.Check(backend, types, shape, shape.Forward);
            Agreement.Check(backend, types, shape, shape.Backward);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(DrawnShapes).WithReplay(2026, 11));
    }

    /// <summary>A fusion of adapters: a segment for each row, and one head as wide as the model.</summary>
    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Attention_OfOneWideHead_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        AttentionCase shape = AttentionCase.Of([3, 3, 3, 3], 1, 1, 768, AttentionMask.Bidirectional, 0);
        Agreement.Check(backend, types, shape, shape.Forward);
        Agreement.Check(backend, types, shape, shape.Backward);
    }

    [Test]
    public void Attention_GradientAgreesWithDifferences([Values] AttentionMask mask)
    {
        using GradientCheck check = new();
        AttentionCase shape = AttentionCase.Of([5, 1, 7], 4, 2, 3, mask, 3);
        Scene s = check.Scene;
        var (q, k, v) = shape.Operands(s);
        Segments segments = shape.Segments(s);
        Tensor o = s.NewActivation(shape.Rows, 12), lse = s.NewStatistic(shape.Rows, 4);
        check.Check(
            [q, k, v], [o], () => check.Backend.Attention(q, k, v, segments, shape.Shape, o, lse),
            (dO, d) => check.Backend.AttentionBackward(
                q, k, v, segments, shape.Shape, o, lse, dO[0], d[0], d[1], d[2]));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Attention_OfPaddingRowsIsZeroAndTakesNoGradient(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        AttentionCase shape = AttentionCase.Padded(AttentionMask.Causal);
        var (q, k, v) = shape.Operands(s);
        Segments segments = shape.Segments(s);
        Tensor o = s.NewActivation(shape.Rows, shape.Width), lse = s.NewStatistic(shape.Rows, shape.Shape.Heads);
        Tensor dO = s.Activation(shape.Rows, shape.Width), dq = s.Activation(shape.Rows, shape.Width);
        Tensor dk = s.Activation(shape.Rows, shape.KeyWidth), dv = s.Activation(shape.Rows, shape.KeyWidth);
        backend.Attention(q, k, v, segments, shape.Shape, o, lse);
        backend.AttentionBackward(q, k, v, segments, shape.Shape, o, lse, dO, dq, dk, dv);
        foreach (int row in shape.PaddingRows)
        {
            Assert.That(Row(device, o, row), Is.All.Zero, $"output of row {row}");
            Assert.That(Row(device, lse, row), Is.All.EqualTo(double.NegativeInfinity), $"lse of row {row}");
            foreach (Tensor gradient in (Tensor[])[dq, dk, dv])
                Assert.That(Row(device, gradient, row), Is.EqualTo(DrawnRow(s, gradient, row)), $"gradient, row {row}");
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Attention_OfASegmentHasTheSameBitsWhateverTheOthersHold(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        int[] alone = [29], among = [7, 29, 64, 3];
        foreach (AttentionMask mask in Enum.GetValues<AttentionMask>())
        {
            double[] expected = AttentionCase.Of(alone, 4, 2, 16, mask, 9).SegmentResults(backend, types, 0, seed: 3);
            AttentionCase packed = AttentionCase.Of(among, 4, 2, 16, mask, 9);
            foreach (int others in (int[])[10, 11])
                Assert.That(
                    packed.SegmentResults(backend, types, 1, seed: 3, others), Is.EqualTo(expected),
                    $"{mask}, the other segments from seed {others}");
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndActivations))]
    public void Attention_WithAWindowOfTheWholeSegmentIsCausal(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        double[] causal =
            AttentionCase.Of([70], 2, 1, 16, AttentionMask.Causal, 0).SegmentResults(backend, types, 0, seed: 3);
        double[] windowed =
            AttentionCase.Of([70], 2, 1, 16, AttentionMask.Window, 70).SegmentResults(backend, types, 0, seed: 3);
        Assert.That(windowed, Is.EqualTo(causal));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Attention_WithAWindowOfOneCopiesTheValues(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        AttentionCase shape = AttentionCase.Of([9], 2, 2, 8, AttentionMask.Window, 1);
        var (q, k, v) = shape.Operands(s);
        Tensor o = s.NewActivation(9, 16), lse = s.NewStatistic(9, 2);
        backend.Attention(q, k, v, shape.Segments(s), shape.Shape, o, lse);
        double[] errors = Array.ConvertAll(s.Drawn(v), value => 4 * Units.Single * Math.Abs(value));
        Agreement.Compare("o", device.Read(o), s.Drawn(v), errors, Units.Single);
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void Attention_OfHugeScoresIsFinite(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        AttentionCase shape = AttentionCase.Of([40], 1, 1, 8, AttentionMask.Causal, 0);
        Tensor q = s.ActivationOf([.. s.Normal(320).Select(x => 1e4 * x)], 40, 8), k = s.Activation(40, 8);
        Tensor v = s.Activation(40, 8), o = s.NewActivation(40, 8), lse = s.NewStatistic(40, 1);
        backend.Attention(q, k, v, shape.Segments(s), shape.Shape, o, lse);
        Assert.That(device.Read(o), Is.All.InRange(s.Drawn(v).Min() - 1e-5, s.Drawn(v).Max() + 1e-5));
        Assert.That(device.Read(lse), Is.All.InRange(-1e6, 1e6));
    }

    [Test]
    public void Attention_ReferenceAgreesWithTensorPrimitives()
    {
        using Device device = new(Cases.Open("reference"));
        Scene s = new(device, Types.Double);
        AttentionCase shape = AttentionCase.Of([6], 1, 1, 4, AttentionMask.Bidirectional, 0);
        var (q, k, v) = shape.Operands(s);
        Tensor o = s.NewActivation(6, 4), lse = s.NewStatistic(6, 1);
        device.Backend.Attention(q, k, v, shape.Segments(s), shape.Shape, o, lse);
        Matrix scores = shape.Shape.Scale * (s.Matrix(q) * s.Matrix(k).Transposed());
        double[] shares = new double[36];
        for (int row = 0; row < 6; row++)
            TensorPrimitives.SoftMax(scores.Values.AsSpan(6 * row, 6), shares.AsSpan(6 * row, 6));
        Matrix expected = new Matrix(shares, 6, 6) * s.Matrix(v);
        Assert.That(device.Read(o), Is.EqualTo(expected.Values).Within(1e-13));
    }

    [Test]
    public void Attention_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Backend b = device.Backend;
        Tensor Of(DType type, params long[] shape) => device.Empty(type, new Shape(shape));
        Tensor q = Of(DType.F32, 5, 8), k = Of(DType.F32, 5, 4), lse = Of(DType.F32, 5, 2);
        Segments all = new(device.Put([0, 5], new Shape(1, 2)), 5);
        Segments flat = new(device.Put([0, 5, 5], new Shape(1, 3)), 5);
        AttentionShape shape = new(2, 1, 4, 0.5f, AttentionMask.Causal);
        Assert.Throws<ArgumentException>(() => b.Attention(q, q, k, all, shape, q, lse));
        Assert.Throws<ArgumentException>(() => b.Attention(q, k, Of(DType.BF16, 5, 4), all, shape, q, lse));
        Assert.Throws<ArgumentException>(() => b.Attention(q, k, k, flat, shape, q, lse));
        Assert.Throws<ArgumentException>(() => b.Attention(q, k, k, all, shape, q, Of(DType.F32, 5, 1)));
        Assert.Throws<ArgumentException>(() => b.Attention(q, k, k, all, shape with { KeyHeads = 3 }, q, lse));
        Assert.Throws<ArgumentException>(
            () => b.Attention(q, k, k, all, shape with { Mask = AttentionMask.Window, Window = 0 }, q, lse));
        Assert.Throws<ArgumentException>(
            () => b.AttentionBackward(q, k, k, all, shape, q, lse, k, q, k, k));
        Assert.Throws<ArgumentException>(
            () => b.AttentionBackward(q, k, k, all, shape, q, lse, q, q, q, k));
    }

    private static double[] Row(Device device, Tensor tensor, int row) =>
        device.Read(tensor).AsSpan(row * (int)tensor.Cols, (int)tensor.Cols).ToArray();

    private static double[] DrawnRow(Scene s, Tensor tensor, int row) =>
        s.Drawn(tensor).AsSpan(row * (int)tensor.Cols, (int)tensor.Cols).ToArray();
}
