using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Labels of tokens: losses, gradients, predictions, and several heads over one batch.</summary>
public sealed class TokenClassifierTests
{
    private const int Labels = 5;
    private const float Rate = 0.2f;

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    /// <summary>Every parameter of encoder and head, in double.</summary>
    [Test]
    public void Fact19_Gradients_AgreeWithCentralDifferences([Values(0, Rate)] float dropout)
    {
        const double Step = 1e-5;
        using Backend backend = Backends.Open("reference");
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F64);
        using TokenClassifier head = Head(model, seed: 1);
        EncoderRows rows = Labelled(GoldenEncoder.Read().Packed());
        Parameter[] all = [.. head.Parameters.All, .. model.Parameters.All.Where(Reaches)];
        Train(model, [head]);
        Loss();
        double[][] gradients = [.. all.Select(parameter => TestTensors.Read(backend, parameter.Gradient))];
        foreach (var (parameter, gradient) in all.Zip(gradients))
        {
            double[] values = TestTensors.Read(backend, parameter.Value);
            double scale = Math.Max(1e-3, gradient.Max(Math.Abs));
            for (int i = 0; i < values.Length; i += 1 + (values.Length / 3))
            {
                double[] above = [.. values], below = [.. values];
                above[i] += Step;
                below[i] -= Step;
                double difference = (At(above) - At(below)) / (2 * Step);
                TestTensors.Write(backend, values, parameter.Value);
                // Truncation is O(h²) with third derivatives of order ten, rounding is ulp/h: both below 1e-8.
                Assert.That(gradient[i], Is.EqualTo(difference).Within(1e-6 * scale), $"{parameter} element {i}");
            }

            double At(double[] moved)
            {
                TestTensors.Write(backend, moved, parameter.Value);
                return Loss();
            }
        }

        double Loss() =>
            Losses(model, rows, [new(head, new RowRange(0, rows.Count), 1f / rows.Predicted)], dropout).Sum()
            / rows.Predicted;

        static bool Reaches(Parameter parameter) => !parameter.Name.StartsWith("lm_head.", StringComparison.Ordinal);
    }

    /// <summary>Two heads share a pass, each over sentences of its own, and neither sees that.</summary>
    [Test]
    public void Groups_HaveTheBitsThatTheyHaveAlone([ValueSource(nameof(Devices))] string device)
    {
        using Backend backend = Backends.Open(device);
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F32);
        model.HiddenDropout = Rate;
        using TokenClassifier first = Head(model, seed: 1), second = Head(model, seed: 2);
        GoldenEncoder golden = GoldenEncoder.Read();
        EncoderRows all = Labelled(golden.Packed()), one = Labelled(golden.Alone(0)), two = new EncoderRows();
        golden.AddTo(two, 1);
        golden.AddTo(two, 2);
        Labelled(two);
        Train(model, [first, second]);
        model.Parameters.Train(_ => false);
        double[] together = Losses(
            model, all,
            [new(first, new RowRange(0, one.Count), 0.5f), new(second, new RowRange(one.Count, two.Count), 0.25f)],
            Rate);
        double[] firstTogether = Gradient(first), secondTogether = Gradient(second);
        Train(model, [first, second]);
        model.Parameters.Train(_ => false);
        double[] alone =
        [
            .. Losses(model, one, [new(first, new RowRange(0, one.Count), 0.5f)], Rate),
            .. Losses(model, two, [new(second, new RowRange(0, two.Count), 0.25f)], Rate),
        ];
        Assert.That(together, Is.EqualTo(alone));
        Assert.That(firstTogether, Is.EqualTo(Gradient(first)).And.Some.Not.Zero);
        Assert.That(secondTogether, Is.EqualTo(Gradient(second)).And.Some.Not.Zero);

        double[] Gradient(TokenClassifier head) =>
            [.. head.Parameters.All.SelectMany(parameter => TestTensors.Read(backend, parameter.Gradient))];
    }

    [Test]
    public void Predictions_AreTheBestLabels_AndTheLowestAmongEquals([ValueSource(nameof(Devices))] string device)
    {
        using Backend backend = Backends.Open(device);
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F32);
        using TokenClassifier drawn = Head(model, seed: 1), level = Head(model, seed: 1);
        TestTensors.Write(backend, new double[Labels * model.Config.Width], level.Parameters.All[0].Value);
        TestTensors.Write(backend, [-1, 2, 0, 2, 1], level.Parameters.All[1].Value);
        EncoderRows rows = GoldenEncoder.Read().Packed();
        int half = rows.Starts[1];
        using var tape = new Tape(backend, poison: true);
        tape.BeginInference();
        var labels = new int[rows.Count];
        TokenClassifier.Predict(
            tape, model, rows.Upload(tape),
            [new(drawn, new RowRange(0, half)), new(level, new RowRange(half, rows.Count - half))], [], labels);
        Assert.That(labels[half..], Is.All.EqualTo(1));
        var some = new int[rows.Count];
        var targets = new int[rows.Count];
        Array.Fill(targets, Backend.IgnoredTarget);
        (targets[1], targets[half]) = (0, 0);
        Array.Fill(some, -7);
        tape.BeginInference();
        TokenClassifier.Predict(
            tape, model, rows.Upload(tape),
            [new(drawn, new RowRange(0, half)), new(level, new RowRange(half, rows.Count - half))], targets, some);
        Assert.That((some[1], some[half]), Is.EqualTo((labels[1], labels[half])));
        Assert.That(some.Count(label => label == -7), Is.EqualTo(rows.Count - 2), "rows without a target");

        tape.BeginInference();
        double[] hidden = TestTensors.Read(backend, model.Hidden(tape, rows.Upload(tape)).Value);
        double[] weight = TestTensors.Read(backend, drawn.Parameters.All[0].Value);
        for (int row = 0; row < half; row++)
        {
            double[] x = hidden[(row * model.Config.Width)..((row + 1) * model.Config.Width)];
            double[] scores = [.. weight.Chunk(x.Length).Select(w => w.Zip(x, (a, b) => a * b).Sum())];
            Assert.That(labels[row], Is.EqualTo(Array.IndexOf(scores, scores.Max())));
        }

        Assert.That(labels[..half].Distinct().Count(), Is.GreaterThan(1));
    }

    [Test]
    public void HeadsOfOneSeed_BeginAlike()
    {
        using Backend backend = Backends.Open("cpu");
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F32);
        using TokenClassifier one = Head(model, seed: 3), other = Head(model, seed: 3), third = Head(model, seed: 4);
        Assert.That(Values(one), Is.EqualTo(Values(other)).And.Not.EqualTo(Values(third)));
        Assert.That(TestTensors.Read(backend, one.Parameters["classifier.bias"].Value), Is.All.Zero);

        double[] Values(TokenClassifier head) =>
            TestTensors.Read(backend, head.Parameters["classifier.weight"].Value);
    }

    private static TokenClassifier Head(XlmRoberta model, ulong seed)
    {
        var head = new TokenClassifier(model.Backend, model.Parameters.Type, model.Config.Width, Labels);
        head.Draw(seed, deviation: 0.4f);
        return head;
    }

    /// <summary>Labels where the case hides tokens.</summary>
    private static EncoderRows Labelled(EncoderRows rows)
    {
        for (int row = 0; row < rows.Count; row++)
            if (rows.Targets[row] >= 0)
                rows.Targets[row] %= Labels;
        return rows;
    }

    private static void Train(XlmRoberta model, TokenClassifier[] heads)
    {
        model.Parameters.Train(_ => true);
        model.Parameters.ClearGradients();
        foreach (TokenClassifier head in heads)
        {
            head.Parameters.Train(_ => true);
            head.Parameters.ClearGradients();
        }
    }

    private static double[] Losses(
        XlmRoberta model, EncoderRows rows, ReadOnlySpan<ClassifierGroup> groups, float dropout)
    {
        using var tape = new Tape(model.Backend, poison: true);
        tape.BeginTraining(seed: 7, update: 2);
        Tensor losses = tape.Take(
            model.Parameters.Type == DType.F64 ? DType.F64 : DType.F32, new Shape(rows.Count));
        TokenClassifier.Losses(tape, model, rows.Upload(tape), groups, dropout, losses);
        double[] values = TestTensors.Read(model.Backend, losses);
        tape.Backward();
        return values;
    }
}
