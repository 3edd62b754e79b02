using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace FastCpt.Tests.Kernels;

public sealed class LayerNormTests
{
    private const float Eps = 1e-5f;

    internal static OpCase Forward(Scene s, int rows, int cols)
    {
        Tensor x = s.Activation(rows, cols), w = s.Weight(cols), b = s.Weight(cols);
        Tensor y = s.NewActivation(rows, cols), mean = s.NewStatistic(rows), rstd = s.NewStatistic(rows);
        double relative = (cols + 8) * Units.Single;
        double[] rowSizes = [.. s.Drawn(x).Chunk(cols).Select(row => row.Average(Math.Abs))];
        return new OpCase(
            () => s.Backend.LayerNorm(x, w, b, Eps, y, mean, rstd),
            new Output("y", y, _ => Scaled(relative, YSizes(s, x, w, b, s.Device.Read(rstd), rowSizes))),
            Output.Each("mean", mean, (row, _) => relative * rowSizes[row]),
            // The mean's error enters the variance squared: what is left is the sum's own.
            new Output("rstd", rstd, _ => Scaled(relative, s.Device.Read(rstd))));
    }

    private static double[] Scaled(double factor, double[] sizes) => Array.ConvertAll(sizes, size => factor * size);

    /// <summary>(|x| + mean |x|) · rstd · |w| + |b|.</summary>
    private static double[] YSizes(Scene s, Tensor x, Tensor w, Tensor b, double[] rstd, double[] rowSizes)
    {
        int cols = (int)x.Cols;
        double[] weight = s.Drawn(w), bias = s.Drawn(b);
        return [.. s.Drawn(x).Select((value, i) =>
            (Math.Abs(value) + rowSizes[i / cols]) * rstd[i / cols] * Math.Abs(weight[i % cols])
            + Math.Abs(bias[i % cols]))];
    }

    internal static OpCase Backward(
        Scene s, int rows, int cols, bool wantsInput = true, bool wantsWeight = true, bool wantsBias = true)
    {
        Tensor x = s.Activation(rows, cols), w = s.Weight(cols), dy = s.Activation(rows, cols);
        Tensor mean = s.Statistic(rows), rstd = s.StatisticOf([.. s.Normal(rows).Select(n => 0.5 + Math.Abs(n))], rows);
        Tensor dx = s.Activation(rows, cols), dw = s.Statistic(cols), db = s.Statistic(cols);
        Action run = () => s.Backend.LayerNormBackward(
            x, w, mean, rstd, dy, wantsInput ? dx : Tensor.None, wantsWeight ? dw : Tensor.None,
            wantsBias ? db : Tensor.None);
        double N(int i) => (s.Drawn(x)[i] - s.Drawn(mean)[i / cols]) * s.Drawn(rstd)[i / cols];
        return new OpCase(
            run,
            new Output("dx", dx, _ => wantsInput ? InputErrors(s, x, w, N, rstd, dy, dx) : new double[dx.Length]),
            new Output("dw", dw, _ => wantsWeight ? ColumnErrors(s, dy, N, dw) : new double[cols]),
            new Output("db", db, _ => wantsBias ? ColumnErrors(s, dy, _ => 1, db) : new double[cols]));
    }

    /// <summary>dx = old + rstd (h − mean(h) − n · mean(h · n)): relative to the terms' sizes, means by their
    /// length.</summary>
    private static double[] InputErrors(
        Scene s, Tensor x, Tensor w, Func<int, double> n, Tensor rstd, Tensor dy, Tensor dx)
    {
        int cols = (int)x.Cols;
        double[] errors = Array.ConvertAll(s.Drawn(dx), Math.Abs);
        double[] h = [.. s.Drawn(dy).Select((d, i) => Math.Abs(d * s.Drawn(w)[i % cols]))];
        for (int row = 0; row < x.Rows; row++)
        {
            double scale = s.Drawn(rstd)[row], mean = 0, dot = 0;
            for (int i = row * cols; i < (row + 1) * cols; i++)
                (mean, dot) = (mean + h[i] / cols, dot + Math.Abs(h[i] * n(i)) / cols);
            for (int i = row * cols; i < (row + 1) * cols; i++)
                errors[i] += scale * (8 * h[i] + (cols + 8) * (mean + Math.Abs(n(i)) * dot));
        }

        return Array.ConvertAll(errors, error => Units.Single * error);
    }

    /// <summary>old + Σ dy · factor over the rows.</summary>
    private static double[] ColumnErrors(Scene s, Tensor dy, Func<int, double> factor, Tensor old)
    {
        double[] sums = Array.ConvertAll(s.Drawn(old), Math.Abs);
        for (int i = 0; i < dy.Length; i++)
            sums[i % dy.Cols] += Math.Abs(s.Drawn(dy)[i] * factor(i));
        return Array.ConvertAll(sums, sum => (dy.Rows + 4) * Units.Single * sum);
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LayerNorm_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows.Where(shape => shape.Cols > 1))
            Agreement.Check(backend, types, (rows, cols), s => Forward(s, rows, cols));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LayerNorm_OfOneColumnIsTheBias(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene scene = new(device, types);
        Tensor x = scene.Activation(3, 1), w = scene.Weight(1), b = scene.WeightOf([0.75], 1);
        Tensor y = scene.NewActivation(3, 1), mean = scene.NewStatistic(3), rstd = scene.NewStatistic(3);
        backend.LayerNorm(x, w, b, Eps, y, mean, rstd);
        Assert.That(device.Read(y), Is.All.EqualTo(0.75));
        Assert.That(device.Read(mean), Is.EqualTo(scene.Drawn(x)));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LayerNormBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            Agreement.Check(backend, types, (rows, cols), s => Backward(s, rows, cols));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void LayerNormBackward_LeavesUnwantedGradientsOut(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        Agreement.Check(backend, types, "no dx", s => Backward(s, 7, 33, wantsInput: false));
        Agreement.Check(backend, types, "no dw", s => Backward(s, 7, 33, wantsWeight: false));
        Agreement.Check(backend, types, "no db", s => Backward(s, 7, 33, wantsBias: false));
    }

    [Test]
    public void LayerNorm_GradientAgreesWithDifferences()
    {
        using GradientCheck check = new();
        Tensor x = check.Scene.Activation(4, 9), w = check.Scene.Weight(9), b = check.Scene.Weight(9);
        Tensor y = check.Scene.NewActivation(4, 9);
        Tensor mean = check.Scene.NewStatistic(4), rstd = check.Scene.NewStatistic(4);
        check.Check(
            [x, w, b], [y], () => check.Backend.LayerNorm(x, w, b, Eps, y, mean, rstd),
            (dy, dx) => check.Backend.LayerNormBackward(x, w, mean, rstd, dy[0], dx[0], dx[1], dx[2]));
    }

    [Test]
    public void LayerNorm_ReferenceAgreesWithTensorPrimitives()
    {
        using Device device = new(Cases.Open("reference"));
        Scene scene = new(device, Types.Double);
        Tensor x = scene.Activation(1, 37), w = scene.Weight(37), b = scene.Weight(37);
        Tensor y = scene.NewActivation(1, 37), mean = scene.NewStatistic(1), rstd = scene.NewStatistic(1);
        device.Backend.LayerNorm(x, w, b, Eps, y, mean, rstd);
        double[] expected = new double[37];
        TensorPrimitives.Subtract(scene.Drawn(x), TensorPrimitives.Average<double>(scene.Drawn(x)), expected);
        double variance = TensorPrimitives.SumOfSquares<double>(expected) / 37;
        TensorPrimitives.Multiply(expected, 1 / Math.Sqrt(variance + Eps), expected);
        TensorPrimitives.MultiplyAdd(expected, scene.Drawn(w), scene.Drawn(b), expected);
        Assert.That(device.Read(y), Is.EqualTo(expected).Within(1e-14));
    }

    [Test]
    public void LayerNorm_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.F32, new Shape(2, 3)), w = device.Empty(DType.F32, new Shape(3));
        Tensor rows = device.Empty(DType.F32, new Shape(2)), wide = device.Empty(DType.F64, new Shape(3));
        Backend backend = device.Backend;
        Assert.Throws<ArgumentException>(() => backend.LayerNorm(x, w, rows, Eps, x, rows, rows));
        Assert.Throws<ArgumentException>(() => backend.LayerNorm(x, w, wide, Eps, x, rows, rows));
        Assert.Throws<ArgumentException>(() => backend.LayerNorm(x, w, w, Eps, x, w, rows));
        Assert.Throws<ArgumentException>(() => backend.LayerNormBackward(x, w, rows, rows, x, w, w, w));
        Assert.Throws<ArgumentException>(() => backend.LayerNormBackward(x, w, rows, rows, x, x, rows, w));
        Assert.Throws<ArgumentException>(() => backend.LayerNormBackward(x, w, rows, rows, x, x, w, rows));
    }
}
