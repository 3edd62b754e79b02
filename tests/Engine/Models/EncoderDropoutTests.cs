using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Dropout of an encoder: only while training, the same wherever a sentence lies, and differentiable.
/// </summary>
public sealed class EncoderDropoutTests
{
    private const float Rate = 0.25f;
    private const double Step = 1e-5;

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    /// <summary>Of all kinds of parameters, with masks that stay: central differences in double.</summary>
    [Test]
    public void Gradients_WithDropout_AgreeWithCentralDifferences([Values] bool recompute)
    {
        using Backend backend = Backends.Open("reference");
        using XlmRoberta model = Model(backend, DType.F64, Rate);
        EncoderRows rows = GoldenEncoder.Read().Packed();
        model.Parameters.Train(_ => true);
        model.Parameters.ClearGradients();
        Loss(model, rows, update: 3, recompute);
        double[][] gradients =
            [.. model.Parameters.All.Select(parameter => TestTensors.Read(backend, parameter.Gradient))];
        foreach (var (parameter, gradient) in model.Parameters.All.Zip(gradients))
        {
            double[] values = TestTensors.Read(backend, parameter.Value);
            double scale = Math.Max(1e-3, gradient.Max(Math.Abs));
            for (int i = 0; i < values.Length; i += 1 + (values.Length / 3))
            {
                double difference = (At(parameter, values, i, Step) - At(parameter, values, i, -Step)) / (2 * Step);
                TestTensors.Write(backend, values, parameter.Value);
                // Truncation is O(h²) with third derivatives of order ten, rounding is ulp/h: both below 1e-8.
                Assert.That(gradient[i], Is.EqualTo(difference).Within(1e-6 * scale), $"{parameter} element {i}");
            }
        }

        double At(Parameter parameter, double[] values, int element, double step)
        {
            double[] moved = [.. values];
            moved[element] += step;
            TestTensors.Write(backend, moved, parameter.Value);
            return Loss(model, rows, update: 3);
        }
    }

    [Test]
    public void Dropout_ChangesNothing_OutsideOfTraining_OrAtRate0([ValueSource(nameof(Devices))] string device)
    {
        using Backend backend = Backends.Open(device);
        using XlmRoberta plain = Model(backend, DType.F32, 0), dropping = Model(backend, DType.F32, Rate);
        EncoderRows rows = GoldenEncoder.Read().Packed();
        double[] hidden = Hidden(plain, rows, update: null);
        Assert.That(Hidden(dropping, rows, update: null), Is.EqualTo(hidden));
        Assert.That(Hidden(plain, rows, update: 1), Is.EqualTo(hidden));
        Assert.That(Hidden(dropping, rows, update: 1), Is.Not.EqualTo(hidden));
    }

    [Test]
    public void Dropout_DependsOnUpdateAndSeed_AndOnNothingElse([ValueSource(nameof(Devices))] string device)
    {
        using Backend backend = Backends.Open(device);
        using XlmRoberta model = Model(backend, DType.F32, Rate);
        GoldenEncoder golden = GoldenEncoder.Read();
        double[] together = Hidden(model, golden.Packed(), update: 1);
        Assert.That(Hidden(model, golden.Packed(), update: 1), Is.EqualTo(together));
        Assert.That(Hidden(model, golden.Packed(), update: 2), Is.Not.EqualTo(together));
        Assert.That(Hidden(model, golden.Packed(), update: 1, seed: 8), Is.Not.EqualTo(together));
        double[] alone =
            [.. Enumerable.Range(0, golden.Rows).SelectMany(row => Hidden(model, golden.Alone(row), update: 1))];
        Assert.That(alone, Is.EqualTo(together));
    }

    [Test]
    public void Recompute_ChangesNoBit_WithDropout([ValueSource(nameof(Devices))] string device)
    {
        using Backend backend = Backends.Open(device);
        using XlmRoberta model = Model(backend, DType.F32, Rate);
        EncoderRows rows = GoldenEncoder.Read().Packed();
        double[][] plain = Gradients(recompute: false), again = Gradients(recompute: true);
        for (int i = 0; i < plain.Length; i++)
            Assert.That(again[i], Is.EqualTo(plain[i]), $"{model.Parameters.All[i]}");

        double[][] Gradients(bool recompute)
        {
            model.Parameters.Train(_ => true);
            model.Parameters.ClearGradients();
            Loss(model, rows, update: 5, recompute);
            return [.. model.Parameters.All.Select(parameter => TestTensors.Read(backend, parameter.Gradient))];
        }
    }

    /// <summary>Each of the two rates alone changes training passes, and no other.</summary>
    [Test]
    public void AttentionDropout_ActsInTrainingAlone([ValueSource(nameof(Devices))] string device)
    {
        using Backend backend = Backends.Open(device);
        using XlmRoberta plain = Model(backend, DType.F32, 0), dropping = Model(backend, DType.F32, 0);
        dropping.AttentionDropout = Rate;
        EncoderRows rows = GoldenEncoder.Read().Packed();
        double[] hidden = Hidden(plain, rows, update: null);
        Assert.That(Hidden(dropping, rows, update: null), Is.EqualTo(hidden));
        Assert.That(Hidden(dropping, rows, update: 1), Is.Not.EqualTo(hidden));
    }

    private static XlmRoberta Model(Backend backend, DType type, float rate)
    {
        XlmRoberta model = GoldenEncoder.Load(backend, type);
        (model.HiddenDropout, model.AttentionDropout) = (rate, rate);
        return model;
    }

    /// <param name="update">Null: not a training pass.</param>
    private static double[] Hidden(XlmRoberta model, EncoderRows rows, long? update, ulong seed = 7)
    {
        using var tape = new Tape(model.Backend, poison: true);
        if (update is { } number)
            tape.BeginTraining(seed: seed, update: number);
        else
            tape.BeginInference();
        return TestTensors.Read(model.Backend, model.Hidden(tape, rows.Upload(tape)).Value);
    }

    /// <summary>Mean loss over the hidden tokens; gradients are pushed back too.</summary>
    private static double Loss(XlmRoberta model, EncoderRows rows, long update, bool recompute = false)
    {
        using var tape = new Tape(model.Backend, poison: true);
        tape.BeginTraining(recompute, seed: 7, update);
        Tensor losses = tape.Take(
            model.Parameters.Type == DType.F64 ? DType.F64 : DType.F32, new Shape(rows.Count));
        model.Losses(tape, rows.Upload(tape), 1f / rows.Predicted, losses);
        double sum = TestTensors.Read(model.Backend, losses).Sum();
        tape.Backward();
        return sum / rows.Predicted;
    }
}
