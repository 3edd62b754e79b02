using FastCpt.Kernels;
using FastCpt.Tests.Kernels.Harness;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace FastCpt.Tests.Kernels;

public sealed class RmsNormTests
{
    private const float Eps = 1e-6f;

    internal static OpCase Forward(Scene s, int rows, int cols, float offset)
    {
        Tensor x = s.Activation(rows, cols), w = s.Weight(cols), y = s.NewActivation(rows, cols);
        Tensor rstd = s.NewStatistic(rows);
        // A sum of squares, all positive, in some order; its relative error halves under the root. offset + w may
        // cancel, so its rounding counts relative to |offset| + |w|.
        double relative = (cols / 2.0 + 6) * Units.Single;
        return new OpCase(
            () => s.Backend.RmsNorm(x, w, offset, Eps, y, rstd),
            new Output("y", y, _ => Scaled(relative, YSizes(s, x, w, offset, s.Device.Read(rstd)))),
            new Output("rstd", rstd, _ => Scaled(relative, s.Device.Read(rstd))));
    }

    private static double[] Scaled(double factor, double[] sizes) => Array.ConvertAll(sizes, size => factor * size);

    /// <summary>|x| · rstd · (|offset| + |w|).</summary>
    private static double[] YSizes(Scene s, Tensor x, Tensor w, float offset, double[] rstd)
    {
        int cols = (int)x.Cols;
        double[] weight = s.Drawn(w);
        return [.. s.Drawn(x).Select((value, i) =>
            Math.Abs(value) * rstd[i / cols] * (Math.Abs(offset) + Math.Abs(weight[i % cols])))];
    }

    internal static OpCase Backward(
        Scene s, int rows, int cols, float offset, bool wantsInput = true, bool wantsWeight = true)
    {
        Tensor x = s.Activation(rows, cols), w = s.Weight(cols), dy = s.Activation(rows, cols);
        Tensor rstd = s.StatisticOf([.. s.Normal(rows).Select(n => 0.5 + Math.Abs(n))], rows);
        Tensor dx = s.Activation(rows, cols), dw = s.Statistic(cols);
        Action run = () => s.Backend.RmsNormBackward(
            x, w, offset, rstd, dy, wantsInput ? dx : Tensor.None, wantsWeight ? dw : Tensor.None);
        return new OpCase(
            run,
            new Output("dx", dx, _ => wantsInput ? InputErrors(s, x, w, offset, rstd, dy, dx) : new double[dx.Length]),
            new Output("dw", dw, _ => wantsWeight ? WeightErrors(s, x, rstd, dy, dw) : new double[cols]));
    }

    /// <summary>dx = old + rstd (h − x · rstd² · mean(h · x)): relative to the terms' sizes, the mean's by its
    /// length.</summary>
    private static double[] InputErrors(Scene s, Tensor x, Tensor w, float offset, Tensor rstd, Tensor dy, Tensor dx)
    {
        int cols = (int)x.Cols;
        double[] errors = Array.ConvertAll(s.Drawn(dx), Math.Abs), xs = s.Drawn(x);
        double[] weight = Array.ConvertAll(s.Drawn(w), value => Math.Abs(offset) + Math.Abs(value));
        double[] h = [.. s.Drawn(dy).Select((d, i) => Math.Abs(d) * weight[i % cols])];
        for (int row = 0; row < x.Rows; row++)
        {
            double scale = s.Drawn(rstd)[row], dot = 0;
            for (int i = row * cols; i < (row + 1) * cols; i++)
                dot += Math.Abs(h[i] * xs[i]) / cols;
            for (int i = row * cols; i < (row + 1) * cols; i++)
                errors[i] += 6 * scale * h[i] + (cols + 8) * scale * scale * scale * Math.Abs(xs[i]) * dot;
        }

        return Array.ConvertAll(errors, error => Units.Single * error);
    }

    /// <summary>dw = old + Σ dy · x · rstd over the rows.</summary>
    private static double[] WeightErrors(Scene s, Tensor x, Tensor rstd, Tensor dy, Tensor dw)
    {
        int cols = (int)x.Cols;
        double[] sums = Array.ConvertAll(s.Drawn(dw), Math.Abs);
        for (int i = 0; i < x.Length; i++)
            sums[i % cols] += Math.Abs(s.Drawn(dy)[i] * s.Drawn(x)[i]) * s.Drawn(rstd)[i / cols];
        return Array.ConvertAll(sums, sum => (x.Rows + 3) * Units.Single * sum);
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void RmsNorm_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            foreach (float offset in (float[])[0, 1])
                Agreement.Check(backend, types, (rows, cols, offset), s => Forward(s, rows, cols, offset));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void RmsNormBackward_AgreesWithReference(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        foreach (var (rows, cols) in Cases.Rows)
            foreach (float offset in (float[])[0, 1])
                Agreement.Check(backend, types, (rows, cols, offset), s => Backward(s, rows, cols, offset));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void RmsNormBackward_LeavesUnwantedGradientsOut(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        Agreement.Check(backend, types, "no dx", s => Backward(s, 7, 33, 1, wantsInput: false));
        Agreement.Check(backend, types, "no dw", s => Backward(s, 7, 33, 1, wantsWeight: false));
    }

    [Test]
    public void RmsNorm_GradientAgreesWithDifferences([Values(0, 1)] int offset)
    {
        using GradientCheck check = new();
        Tensor x = check.Scene.Activation(4, 9), w = check.Scene.Weight(9);
        Tensor y = check.Scene.NewActivation(4, 9), rstd = check.Scene.NewStatistic(4);
        check.Check(
            [x, w], [y], () => check.Backend.RmsNorm(x, w, offset, Eps, y, rstd),
            (dy, dx) => check.Backend.RmsNormBackward(x, w, offset, rstd, dy[0], dx[0], dx[1]));
    }

    [Test]
    public void RmsNorm_ReferenceAgreesWithTensorPrimitives()
    {
        using Device device = new(Cases.Open("reference"));
        Scene scene = new(device, Types.Double);
        Tensor x = scene.Activation(1, 37), w = scene.Weight(37);
        Tensor y = scene.NewActivation(1, 37), rstd = scene.NewStatistic(1);
        device.Backend.RmsNorm(x, w, 0, Eps, y, rstd);
        double[] expected = new double[37];
        double scale = 1 / Math.Sqrt(TensorPrimitives.SumOfSquares<double>(scene.Drawn(x)) / 37 + Eps);
        TensorPrimitives.Multiply(scene.Drawn(x), scale, expected);
        TensorPrimitives.Multiply(expected, scene.Drawn(w), expected);
        Assert.That(device.Read(y), Is.EqualTo(expected).Within(1e-14));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void RmsNorm_WithZeroWeightsAndOffsetOneOnlyNormalizes(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene scene = new(device, types);
        Tensor x = scene.Activation(3, 50), w = scene.WeightOf(new double[50], 50);
        Tensor y = scene.NewActivation(3, 50), rstd = scene.NewStatistic(3);
        backend.RmsNorm(x, w, 1, 0, y, rstd);
        foreach (double[] row in device.Read(y).Chunk(50))
            Assert.That(
                row.Sum(v => v * v) / 50, Is.EqualTo(1).Within(2 * Units.Of(types.Activation) + 60 * Units.Single));
    }

    [TestCaseSource(typeof(Cases), nameof(Cases.BackendsAndTypes))]
    public void RmsNorm_MayOverwriteItsOperand(string name, Types types)
    {
        using Backend backend = Cases.Open(name);
        using Device device = new(backend);
        Scene scene = new(device, types);
        Tensor w = scene.Weight(33), rstd = scene.NewStatistic(17);
        Aliasing.Check(backend, types, [(17, 33)], (inputs, y) => backend.RmsNorm(inputs[0], w, 1, Eps, y, rstd));
    }

    [Test]
    public void RmsNorm_OfWrongShapesOrTypesThrows()
    {
        using Device device = new(Cases.Open("reference"));
        Tensor x = device.Empty(DType.BF16, new Shape(2, 3)), w = device.Empty(DType.F32, new Shape(3));
        Tensor rstd = device.Empty(DType.F32, new Shape(2)), narrow = device.Empty(DType.BF16, new Shape(3));
        Tensor wide = device.Empty(DType.F64, new Shape(3));
        Backend backend = device.Backend;
        Assert.Throws<ArgumentException>(() => backend.RmsNorm(x, rstd, 0, Eps, x, rstd));
        Assert.Throws<ArgumentException>(() => backend.RmsNorm(x, wide, 0, Eps, x, rstd));
        Assert.Throws<ArgumentException>(() => backend.RmsNorm(x, w, 0, Eps, x, narrow));
        Assert.Throws<ArgumentException>(() => backend.RmsNorm(x, w, 0, Eps, x, w));
        Assert.Throws<ArgumentException>(() => backend.RmsNormBackward(x, w, 0, rstd, x, x, narrow));
        Assert.Throws<ArgumentException>(() => backend.RmsNormBackward(x, w, 0, rstd, x, w, w));
    }
}
