using FastCpt.Kernels;
using FastCpt.Kernels.Reference;

namespace FastCpt.Tests.Kernels.Harness;

/// <summary>Compares a backward op of Reference in F64 with central differences of the forward op.</summary>
/// <remarks>
/// The function is L = Σ r · output for random r. Its slope along random directions, and along sampled single elements
/// with the first and the last among them, must agree within 1e-7 of the gradient's scale: with steps of 6e-6 the
/// third-order term is about 1e-11 and the rounding of L about 1e-10 of it.
/// </remarks>
internal sealed class GradientCheck : IDisposable
{
    private const double Step = 6e-6, Tolerance = 1e-7;
    private const int Directions = 4, SampledElements = 40;

    private readonly ReferenceBackend _backend = new();
    private readonly Device _device;
    private readonly Random _random = new(5);

    public GradientCheck()
    {
        _device = new Device(_backend);
        Scene = new Scene(_device, Types.Double);
    }

    public Scene Scene { get; }

    public ReferenceBackend Backend => _backend;

    /// <param name="inputs">What gradients are wanted of.</param>
    /// <param name="outputs">What the forward op writes.</param>
    /// <param name="forward">Computes the outputs from the inputs.</param>
    /// <param name="backward">Adds to the gradients of the inputs, given those of the outputs.</param>
    /// <param name="outputWeights">r, where it is not to be drawn.</param>
    public void Check(
        Tensor[] inputs, Tensor[] outputs, Action forward, Action<Tensor[], Tensor[]> backward,
        double? outputWeights = null)
    {
        double[][] weights =
            [.. outputs.Select(o => outputWeights is { } w ? Filled(w, o.Length) : Scene.Normal(o.Length))];
        Tensor[] dOutputs = [.. outputs.Zip(weights, (o, w) => _device.Put(w, DType.F64, o.Shape))];
        double[][] before = [.. inputs.Select(i => Scene.Normal(i.Length))]; // backward adds, so start from something
        Tensor[] gradients = [.. inputs.Zip(before, (i, b) => _device.Put(b, DType.F64, i.Shape))];
        forward();
        backward(dOutputs, gradients);
        for (int i = 0; i < inputs.Length; i++)
        {
            double[] analytic = [.. _device.Read(gradients[i]).Zip(before[i], (after, old) => after - old)];
            CheckInput($"input {i}, {inputs[i]}", inputs[i], analytic, () => Loss(outputs, weights, forward));
        }
    }

    public void Dispose()
    {
        _device.Dispose();
        _backend.Dispose();
    }

    private static double[] Filled(double value, long count)
    {
        double[] values = new double[count];
        Array.Fill(values, value);
        return values;
    }

    private double Loss(Tensor[] outputs, double[][] weights, Action forward)
    {
        forward();
        double sum = 0;
        for (int i = 0; i < outputs.Length; i++)
            sum += _device.Read(outputs[i]).Zip(weights[i], (o, w) => o * w).Sum();
        return sum;
    }

    private void CheckInput(string what, Tensor input, double[] analytic, Func<double> loss)
    {
        double[] point = _device.Read(input);
        double norm = Math.Sqrt(analytic.Sum(g => g * g));
        Assert.That(norm, Is.GreaterThan(0), $"{what} has a zero gradient: the case tests nothing.");
        for (int i = 0; i < Directions; i++)
        {
            double[] direction = Scene.Normal(point.Length);
            double length = Math.Sqrt(direction.Sum(d => d * d));
            double slope = Slope(input, point, direction, loss);
            double expected = analytic.Zip(direction, (g, d) => g * d).Sum();
            Assert.That(slope, Is.EqualTo(expected).Within(Tolerance * norm * length), $"{what}, direction {i}");
        }

        double scale = analytic.Max(Math.Abs);
        foreach (int element in Sample(point.Length))
        {
            double[] direction = new double[point.Length];
            direction[element] = 1;
            double slope = Slope(input, point, direction, loss);
            double tolerance = Tolerance * Math.Max(1, scale);
            Assert.That(slope, Is.EqualTo(analytic[element]).Within(tolerance), $"{what}[{element}]");
        }
    }

    private double Slope(Tensor input, double[] point, double[] direction, Func<double> loss)
    {
        _device.Write(input, [.. point.Zip(direction, (p, d) => p + Step * d)]);
        double above = loss();
        _device.Write(input, [.. point.Zip(direction, (p, d) => p - Step * d)]);
        double below = loss();
        _device.Write(input, point);
        return (above - below) / (2 * Step);
    }

    private IEnumerable<int> Sample(int length) =>
        Enumerable.Range(0, SampledElements).Select(_ => _random.Next(length)).Append(0).Append(length - 1).Distinct();
}
