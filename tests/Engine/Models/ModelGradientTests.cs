using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>The tape's gradients of whole models against central differences, everything in double.</summary>
internal sealed class ModelGradientTests
{
    private const double Step = 1e-5;

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    [Test]
    public void Fact46_Gradients_AgreeWithCentralDifferences(
        [Values] Architecture architecture, [Values] bool tied, [Values] bool recompute)
    {
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(TinyModels.Config(architecture, tied: tied), backend, DType.F64);
        using var tape = new Tape(backend, poison: true);
        model.Parameters.Train(_ => true);
        model.Parameters.ClearGradients();
        TinyModels.Loss(model, tape, train: true, recompute);

        foreach (Parameter parameter in model.Parameters.All)
        {
            double[] gradient = TestTensors.Read(backend, parameter.Gradient);
            double[] values = TestTensors.Read(backend, parameter.Value);
            double scale = Math.Max(1e-3, gradient.Max(Math.Abs));
            for (int i = 0; i < values.Length; i += 1 + values.Length / 8)
            {
                double difference = CentralDifference(model, tape, parameter, values, i);
                // Truncation is O(h²) with third derivatives of order one, rounding is ulp/h: both below 1e-9.
                Assert.That(gradient[i], Is.EqualTo(difference).Within(1e-7 * scale), $"{parameter} element {i}");
            }
        }
    }

    [Test]
    public void Recompute_ChangesNoBit([Values] Architecture architecture, [ValueSource(nameof(Devices))] string device)
    {
        double[][] plain = Gradients(architecture, device, recompute: false);
        double[][] again = Gradients(architecture, device, recompute: true);
        for (int i = 0; i < plain.Length; i++)
            Assert.That(again[i], Is.EqualTo(plain[i]));
    }

    private static double[][] Gradients(Architecture architecture, string device, bool recompute)
    {
        using Backend backend = Backends.Open(device);
        using CausalModel model = TinyModels.Create(TinyModels.Config(architecture, 3), backend, DType.F32);
        using var tape = new Tape(backend, poison: true);
        model.Parameters.Train(parameter => !parameter.Name.Contains("layers.1."));
        model.Parameters.ClearGradients();
        TinyModels.Loss(model, tape, train: true, recompute);
        return [.. model.Parameters.Trained.Select(parameter => TestTensors.Read(backend, parameter.Gradient))];
    }

    /// <returns>(loss(θ + h) − loss(θ − h)) / 2h for one element of a parameter, which is as before afterwards.
    /// </returns>
    internal static double CentralDifference(
        CausalModel model, Tape tape, Parameter parameter, double[] values, int element)
    {
        double original = values[element];
        values[element] = original + Step;
        TestTensors.Write(model.Backend, values, parameter.Value);
        double above = TinyModels.Loss(model, tape, train: false);
        values[element] = original - Step;
        TestTensors.Write(model.Backend, values, parameter.Value);
        double below = TinyModels.Loss(model, tape, train: false);
        values[element] = original;
        TestTensors.Write(model.Backend, values, parameter.Value);
        return (above - below) / (2 * Step);
    }
}
