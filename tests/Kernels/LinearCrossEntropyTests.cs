using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace FastCpt.Tests.Kernels;

public sealed class LinearCrossEntropyTests
{
    private const float GradientScale = 1f / 24;

    private static IReadOnlyList<LossShape> Shapes =>
    [
        new(0, 8, 5), new(1, 1, 1), new(1, 7, 2), new(3, 16, 17), new(17, 33, 100), new(40, 20, 1031),
        new(9, 64, 5000),
    ];

    /// <summary>Rows M, width C, vocabulary V.</summary>
    public readonly record struct LossShape(int M, int C, int V);

    internal static OpCase Build(
        Scene s, LossShape shape, bool wantsInput = true, bool wantsWeight = true, bool hasBias = false)
    {
        double[] rows = [.. s.Normal(shape.M, shape.C).Select(n => n / Math.Sqrt(shape.C))];
        Tensor x = s.ActivationOf(rows, shape.M, shape.C);
        Tensor w = s.Weight(shape.V, shape.C), losses = s.NewStatistic(shape.M);
        Tensor dx = s.Activation(shape.M, shape.C), dw = s.Statistic(shape.V, shape.C);
        Tensor bias = hasBias ? s.Weight(shape.V) : Tensor.None;
        Tensor dBias = hasBias ? s.Statistic(shape.V) : Tensor.None;
        int[] wanted = Targets(s, shape);
        int predicting = wanted.Count(target => target >= 0);
        Tensor targets = s.Integers(wanted);
        Action run = () => s.Backend.LinearCrossEntropy(
            x, new(w, bias), targets, GradientScale, losses, wantsInput ? dx : Tensor.None,
            new(wantsWeight ? dw : Tensor.None, dBias));
        // A bias is a last column of the weights that meets a column of ones.
        Lazy<Dense> dense = new(() => new Dense(
            hasBias ? WithColumn(s.Matrix(x), _ => 1) : s.Matrix(x),
            hasBias ? WithColumn(s.Matrix(w), piece => s.Drawn(bias)[piece]) : s.Matrix(w), wanted, GradientScale));
        Output[] outputs =
        [
            Output.Each("losses", losses, (row, _) => wanted[row] < 0 ? 0 : dense.Value.LossError(row)),
            new("dx", dx, units => wantsInput
                ? (Columns(dense.Value.InputErrors(units), 0, shape.C)
                    + Masked(LinearBounds.Adding(s, dx), wanted)).Values
                : new double[dx.Length]),
            new("dw", dw, units => wantsWeight
                // One chain of fused multiply-adds, a link for every row that predicts, may go on from the old value:
                // each rounds a partial sum that the old value is a part of (Higham 2002, section 3.1).
                ? (Columns(dense.Value.WeightErrors(units), 0, shape.C) + predicting * LinearBounds.Adding(s, dw))
                    .Values
                : new double[dw.Length]),
        ];
        if (hasBias)
            outputs = [.. outputs, new("dBias", dBias, units =>
                [.. Columns(dense.Value.WeightErrors(units), shape.C, 1).Values
                    .Zip(s.Drawn(dBias), (error, old) => error + predicting * Units.Single * Math.Abs(old))])];
        return new OpCase(run, outputs);
    }

    private static Matrix WithColumn(Matrix matrix, Func<int, double> column) => new(
        [.. Enumerable.Range(0, matrix.Rows).SelectMany(row =>
            matrix.Values.Skip(row * matrix.Cols).Take(matrix.Cols).Append(column(row)))],
        matrix.Rows, matrix.Cols + 1);

    private static Matrix Columns(Matrix matrix, int first, int count) => new(
        [.. Enumerable.Range(0, matrix.Rows).SelectMany(row =>
            matrix.Values.Skip(row * matrix.Cols + first).Take(count))],
        matrix.Rows, count);

    /// <summary>Mostly pieces, every fourth row ignored; first and last piece among them.</summary>
    private static int[] Targets(Scene s, LossShape shape)
    {
        int[] targets = s.Below(shape.V, shape.M);
        for (int row = 3; row < targets.Length; row += 4)
            targets[row] = Backend.IgnoredTarget;
        if (targets.Length > 2)
            (targets[0], targets[1]) = (0, shape.V - 1);
        return targets;
    }

    /// <summary>An ignored row is not touched at all.</summary>
    private static Matrix Masked(Matrix errors, int[] targets) => errors with
    {
        Values = [.. errors.Values.Select((error, i) => targets[i / errors.Cols] < 0 ? 0 : error)],
    };

    /// <summary>The dense loss, by TensorPrimitives in double, and what float32 may be off by.</summary>
    private sealed class Dense
    {
        private readonly Matrix _x, _w, _logits, _slopes, _slopeSizes;
        private readonly double[] _relative;

        public Dense(Matrix x, Matrix w, int[] targets, double gradientScale)
        {
            (_x, _w, _logits) = (x, w, x * w.Transposed());
            // Logits are off by (C + 2) u Σ|x w|; each exponential by that and 2 u, their sum by its length.
            Matrix sizes = x.Absolute() * w.Absolute().Transposed();
            _relative = [.. sizes.Values.Chunk(w.Rows).Select(
                row => Units.Single * ((2 * x.Cols + 8) * row.Max() + w.Rows + 8))];
            double[] shares = new double[x.Rows * w.Rows];
            Losses = new double[x.Rows];
            for (int row = 0; row < x.Rows; row++)
            {
                Span<double> part = shares.AsSpan(row * w.Rows, w.Rows);
                if (targets[row] < 0)
                    continue;
                TensorPrimitives.SoftMax(_logits.Values.AsSpan(row * w.Rows, w.Rows), part);
                Losses[row] = -Math.Log(part[targets[row]]);
                part[targets[row]] -= 1;
            }

            _slopes = gradientScale * new Matrix(shares, x.Rows, w.Rows);
            // |softmax| + |one-hot|, whose difference is the slope.
            _slopeSizes = _slopes.Map(slope => slope < 0 ? slope + 2 * gradientScale : slope);
        }

        public double[] Losses { get; }

        public Matrix InputGradient => _slopes * _w;

        public Matrix WeightGradient => _slopes.Transposed() * _x;

        public double LossError(int row) => _relative[row] + 2 * Units.Single * Losses[row];

        public Matrix InputErrors(Units units) => LinearBounds.Product(_slopes, SlopeErrors(units), _w.Transposed());

        public Matrix WeightErrors(Units units) => LinearBounds.WeightGradient(_slopes, SlopeErrors(units), _x);

        /// <summary>The slope may be rounded to the activations' type for the products.</summary>
        private Matrix SlopeErrors(Units units) => _slopeSizes with
        {
            Values = [.. _slopeSizes.Values.Select((size, i) =>
                size * (_relative[i / _w.Rows] + 4 * Units.Single) + units.Activation * Math.Abs(_slopes.Values[i]))],
        };
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearCrossEntropy_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LossShape shape in Shapes)
            Agreement.Check(backend, types, shape, s => Build(s, shape));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearCrossEntropy_WithABias_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (LossShape shape in Shapes)
            Agreement.Check(backend, types, shape, s => Build(s, shape, true, true, hasBias: true));
        LossShape alone = new(17, 33, 100);
        Agreement.Check(backend, types, "the bias alone", s => Build(s, alone, false, false, hasBias: true));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearCrossEntropy_LeavesUnwantedGradientsOut(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        LossShape shape = new(17, 33, 100);
        Agreement.Check(backend, types, "no dx", s => Build(s, shape, wantsInput: false));
        Agreement.Check(backend, types, "no dw", s => Build(s, shape, wantsWeight: false));
        Agreement.Check(backend, types, "losses alone", s => Build(s, shape, false, false));
    }

    [Test]
    public void LinearCrossEntropy_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Scene s = check.Scene;
        Tensor x = s.Activation(6, 5), w = s.Weight(9, 5), losses = s.NewStatistic(6);
        Tensor targets = s.Integers([0, 8, Backend.IgnoredTarget, 3, 3, 7]);
        check.Check(
            [x, w], [losses],
            () => check.Backend.LinearCrossEntropy(x, new(w), targets, GradientScale, losses, default, default),
            (_, d) => check.Backend.LinearCrossEntropy(x, new(w), targets, GradientScale, losses, d[0], new(d[1])),
            outputWeights: GradientScale);
    }

    [Test]
    public void LinearCrossEntropy_GradientOfABiasAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Scene s = check.Scene;
        Tensor x = s.Activation(6, 5), w = s.Weight(9, 5), bias = s.Weight(9), losses = s.NewStatistic(6);
        Tensor targets = s.Integers([0, 8, Backend.IgnoredTarget, 3, 3, 7]);
        check.Check(
            [x, w, bias], [losses],
            () => check.Backend.LinearCrossEntropy(x, new(w, bias), targets, GradientScale, losses, default, default),
            (_, d) => check.Backend.LinearCrossEntropy(
                x, new(w, bias), targets, GradientScale, losses, d[0], new(d[1], d[2])),
            outputWeights: GradientScale);
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void LinearCrossEntropy_EqualsTheDenseLoss(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        LossShape shape = new(24, 32, 3000);
        int[] targets = Targets(s, shape);
        Tensor x = s.Activation(24, 32), w = s.Weight(3000, 32), losses = s.NewStatistic(24);
        Tensor dx = s.ActivationOf(new double[24 * 32], 24, 32), dw = s.StatisticOf(new double[3000 * 32], 3000, 32);
        backend.LinearCrossEntropy(x, new(w), s.Integers(targets), GradientScale, losses, dx, new(dw));
        Dense dense = new(s.Matrix(x), s.Matrix(w), targets, GradientScale);
        // The promise is 1e-6 of the largest value.
        CloseTo(device.Read(losses), dense.Losses, "losses");
        CloseTo(device.Read(dx), dense.InputGradient.Values, "dx");
        CloseTo(device.Read(dw), dense.WeightGradient.Values, "dw");

        static void CloseTo(double[] got, double[] want, string what) =>
            Assert.That(got, Is.EqualTo(want).Within(1e-6 * want.Max(Math.Abs)), what);
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearCrossEntropy_OfUniformLogitsIsTheLogarithmOfTheVocabulary(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (int vocabulary in (int[])[1, 2, 17, 1031, 20_000])
        {
            using Device device = new(backend);
            Scene s = new(device, types);
            Tensor x = s.Activation(2, 8), w = s.WeightOf(new double[vocabulary * 8], vocabulary, 8);
            Tensor losses = s.NewStatistic(2);
            backend.LinearCrossEntropy(
                x, new(w), s.Integers([0, vocabulary - 1]), 1, losses, Tensor.None, default);
            // The sum of V ones is exact; the logarithm and its sum with the maximum are rounded.
            double expected = Math.Log(vocabulary);
            Assert.That(device.Read(losses), Is.All.EqualTo(expected).Within(4 * Units.Single * expected));
        }
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearCrossEntropy_OfCertaintyIsZero(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        double[] weights = new double[50];
        weights[7] = 1000;
        Tensor x = s.ActivationOf([1], 1, 1), w = s.WeightOf(weights, 50, 1), losses = s.NewStatistic(1);
        Tensor dx = s.ActivationOf([0], 1, 1);
        backend.LinearCrossEntropy(x, new(w), s.Integers([7]), 1, losses, dx, default);
        Assert.That(device.Read(losses), Is.All.Zero);
        Assert.That(device.Read(dx), Is.All.Zero);
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearCrossEntropy_DoesNotChangeWhenAllLogitsShift(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        double[] Losses(double shift)
        {
            Scene s = new(device, types);
            // The last column of x is 1, and of the weights the shift: it adds to every logit.
            double[] rows = s.Normal(6, 9), pieces = s.Normal(70, 9);
            for (int i = 8; i < rows.Length; i += 9)
                rows[i] = 1;
            for (int i = 8; i < pieces.Length; i += 9)
                pieces[i] = shift;
            Tensor losses = s.NewStatistic(6);
            backend.LinearCrossEntropy(
                s.ActivationOf(rows, 6, 9), new(s.WeightOf(pieces, 70, 9)), s.Integers(s.Below(70, 6)), 1, losses,
                Tensor.None, default);
            return device.Read(losses);
        }

        // Logits near 64 are rounded to 2⁻¹⁸, ten sums each: at most 11 times twice that.
        Assert.That(Losses(64), Is.EqualTo(Losses(0)).Within(22 * Math.Pow(2, -18)));
        Assert.That(Losses(-64), Is.EqualTo(Losses(0)).Within(22 * Math.Pow(2, -18)));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.AllBackends))]
    public void LinearCrossEntropy_GradientSumsToZeroOverTheVocabulary(string name)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, Types.Single);
        // Where a column of W is 1, dx = Σ d over the vocabulary.
        double[] pieces = s.Normal(700, 4);
        for (int i = 3; i < pieces.Length; i += 4)
            pieces[i] = 1;
        Tensor x = s.Activation(5, 4), w = s.WeightOf(pieces, 700, 4), losses = s.NewStatistic(5);
        Tensor dx = s.ActivationOf(new double[20], 5, 4), dw = s.StatisticOf(new double[2800], 700, 4);
        backend.LinearCrossEntropy(x, new(w), s.Integers(s.Below(700, 5)), 1, losses, dx, new(dw));
        double[] sums = [.. device.Read(dx).Where((_, i) => i % 4 == 3)];
        Assert.That(sums, Is.All.EqualTo(0).Within(700 * Units.Single * 2)); // Σ|d| is at most 2
        double[] columns = [.. Enumerable.Range(0, 4).Select(c => device.Read(dw).Where((_, i) => i % 4 == c).Sum())];
        Assert.That(columns, Is.All.EqualTo(0).Within(2 * 5 * 700 * Units.Single));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearCrossEntropy_OfIgnoredRowsIsZeroAndTouchesNothing(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        Tensor x = s.ActivationOf([.. Enumerable.Repeat(double.NaN, 40)], 5, 8), w = s.Weight(33, 8);
        Tensor losses = s.NewStatistic(5), dx = s.Activation(5, 8), dw = s.Statistic(33, 8);
        backend.LinearCrossEntropy(
            x, new(w), s.Integers([.. Enumerable.Repeat(Backend.IgnoredTarget, 5)]), 1, losses, dx, new(dw));
        Assert.That(device.Read(losses), Is.All.Zero);
        Assert.That(device.Read(dx), Is.EqualTo(s.Drawn(dx)));
        Assert.That(device.Read(dw), Is.EqualTo(s.Drawn(dw)));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LinearCrossEntropy_OfHugeLogitsIsFinite(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene s = new(device, types);
        Tensor x = s.ActivationOf([1e4, -1e4], 2, 1), w = s.Weight(300, 1), losses = s.NewStatistic(2);
        Tensor dx = s.ActivationOf([0, 0], 2, 1), dw = s.StatisticOf(new double[300], 300, 1);
        backend.LinearCrossEntropy(x, new(w), s.Integers([5, 5]), 1, losses, dx, new(dw));
        foreach (Tensor tensor in (Tensor[])[losses, dx, dw])
            Assert.That(device.Read(tensor).All(double.IsFinite), Is.True, $"{tensor}");
    }

    [Test]
    public void LinearCrossEntropy_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Backend b = device.Backend;
        Tensor Of(DType type, params long[] shape) => device.Empty(type, new Shape(shape));
        Tensor x = Of(DType.BF16, 4, 3), w = Of(DType.F32, 9, 3), losses = Of(DType.F32, 4), none = Tensor.None;
        Tensor targets = device.Put([0, 1, 2, 3], new Shape(4)), few = device.Put([0, 1], new Shape(2));
        Assert.Throws<ArgumentException>(
            () => b.LinearCrossEntropy(x, new(Of(DType.F32, 9, 4)), targets, 1, losses, none, default));
        Assert.Throws<ArgumentException>(
            () => b.LinearCrossEntropy(x, new(w, Of(DType.F32, 8)), targets, 1, losses, none, default));
        Assert.Throws<ArgumentException>(
            () => b.LinearCrossEntropy(x, new(w), targets, 1, losses, none, new(default, Of(DType.F32, 9))));
        Assert.Throws<ArgumentException>(() => b.LinearCrossEntropy(x, new(w), few, 1, losses, none, default));
        Assert.Throws<ArgumentException>(
            () => b.LinearCrossEntropy(x, new(w), targets, 1, Of(DType.BF16, 4), none, default));
        Assert.Throws<ArgumentException>(() => b.LinearCrossEntropy(x, new(w), targets, 1, losses, w, default));
        Assert.Throws<ArgumentException>(() => b.LinearCrossEntropy(x, new(w), targets, 1, losses, none, new(x)));
        Assert.Throws<ArgumentException>(
            () => b.LinearCrossEntropy(x, new(w), targets, 1, losses, Of(DType.F32, 4, 3), default));
    }
}
