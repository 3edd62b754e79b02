using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Several adapters that learn in one pass over one frozen model.</summary>
internal sealed class ManyAdaptersTests
{
    private const int Steps = 4;

    [Test]
    public void Learner_EndsWithTheBitsItHasAlone(
        [Values("llama", "gemma3", "xlm-roberta")] string kind, [Values(DType.F32, DType.BF16)] DType type,
        [Values(0f, 0.25f)] float dropout, [Values] bool recompute, [Values(1, 2)] int threads)
    {
        using Backend backend = Backends.Open("cpu", threads);
        using Model model = Create(kind, backend, type);
        // The second stops after two steps; the places are not in the order of the rows.
        double[][][] together = Train(model, dropout, recompute, ([4, 9, 2], [2, 0, 1], [Steps, 2, Steps]));
        double[][][] alone =
        [
            .. Train(model, dropout, recompute, ([4], [0], [Steps])),
            .. Train(model, dropout, recompute, ([9], [1], [2])),
            .. Train(model, dropout, recompute, ([2], [0], [Steps])),
        ];
        for (int learner = 0; learner < alone.Length; learner++)
            Assert.That(together[learner], Is.EqualTo(alone[learner]), $"learner {learner}");
        Assert.That(together[0], Is.Not.EqualTo(together[2]));
    }

    [Test]
    public void Gradients_AgreeWithCentralDifferences(
        [Values("llama", "xlm-roberta")] string kind, [Values(0f, 0.25f)] float dropout)
    {
        using Backend backend = Backends.Open("reference");
        using Model model = Create(kind, backend, DType.F64);
        using var tape = new Tape(backend, poison: true);
        using Learner first = new(model, 4, 0, dropout), second = new(model, 9, 1, dropout);
        first.Parameters.ClearGradients();
        second.Parameters.ClearGradients();
        Loss(train: true);
        foreach (Parameter parameter in first.Parameters.All.Concat(second.Parameters.All).Where((_, i) => i % 3 == 0))
        {
            double[] gradient = TestTensors.Read(backend, parameter.Gradient);
            double[] values = TestTensors.Read(backend, parameter.Value);
            double scale = Math.Max(1e-3, gradient.Max(Math.Abs));
            Assert.That(gradient, Has.Some.Not.Zero, parameter.Name);
            for (int i = 0; i < values.Length; i += 1 + values.Length / 3)
            {
                const double Step = 1e-5;
                double before = values[i];
                double above = At(before + Step), below = At(before - Step);
                At(before);
                double difference = (above - below) / (2 * Step);
                // Truncation and rounding are below 1e-9 of a loss of about 1.
                Assert.That(gradient[i], Is.EqualTo(difference).Within(1e-7 * scale), $"{parameter} element {i}");

                double At(double value)
                {
                    values[i] = value;
                    TestTensors.Write(backend, values, parameter.Value);
                    return Loss(train: false);
                }
            }
        }

        double Loss(bool train)
        {
            Learner.Batch batch = new();
            first.AddTo(batch, 0);
            second.AddTo(batch, 0);
            return Pass(model, tape, batch, recompute: false, update: 3, pushBack: train).Sum() / 10;
        }
    }

    /// <summary>A pass that serves adapters is as large as their rows; what has no adapter costs none.</summary>
    [Test]
    public void Tape_CountsProductsOfAnAdaptersRowsAlone()
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using Model model = Create("llama", backend, DType.F32);
        using var tape = new Tape(backend, poison: true);
        using Learner first = new(model, 4, 0, dropout: 0), second = new(model, 9, 1, dropout: 0);
        double both = Flops(first, second), firstAlone = Flops(first), secondAlone = Flops(second);
        Assert.That(both, Is.EqualTo(firstAlone + secondAlone));

        double Flops(params Learner[] learners)
        {
            Learner.Batch batch = new();
            foreach (Learner learner in learners)
                learner.AddTo(batch, 0);
            Pass(model, tape, batch, recompute: false, update: 1);
            return tape.ProductFlops;
        }
    }

    [Test]
    public void AdaptersThatDropOutDifferently_AreRefused()
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using Model model = Create("llama", backend, DType.F32);
        using var tape = new Tape(backend);
        using Learner first = new(model, 4, 0, dropout: 0), second = new(model, 9, 1, dropout: 0.5f);
        Learner.Batch batch = new();
        first.AddTo(batch, 0);
        second.AddTo(batch, 0);
        Assert.That(
            () => Pass(model, tape, batch, recompute: false, update: 1),
            Throws.InvalidOperationException.With.Message.Contains("drop out 0 and 0.5"));
    }

    [Test]
    public void Rows_ThatCannotBe_AreRefused()
    {
        AdapterRows rows = new();
        rows.Add(3, new RowRange(2, 4));
        Assert.Throws<ArgumentException>(() => rows.Add(1, new RowRange(5, 1)));
        Assert.Throws<ArgumentException>(() => rows.Add(3, new RowRange(6, 1)));
        Assert.Throws<ArgumentException>(() => rows.Add(1, new RowRange(6, -1)));
        rows.Add(1, new RowRange(6, 1));
        Assert.That((rows.Count, rows[1]), Is.EqualTo((2, (1, new RowRange(6, 1)))));
    }

    /// <returns>States of all learners at their ends.</returns>
    private static double[][][] Train(
        Model model, float dropout, bool recompute, (int[] Numbers, int[] Places, int[] Steps) learners)
    {
        using var tape = new Tape(model.Backend, poison: true);
        Learner[] all = [.. learners.Numbers.Zip(learners.Places, (n, p) => new Learner(model, n, p, dropout))];
        AdamW[] optimizers =
            [.. all.Select(learner => new AdamW(learner.Parameters, new AdamWSettings(), _ => default))];
        double[][][] states = new double[all.Length][][];
        for (int step = 0; step < learners.Steps.Max(); step++)
        {
            Learner.Batch batch = new();
            for (int i = 0; i < all.Length; i++)
                if (step < learners.Steps[i])
                {
                    all[i].Parameters.ClearGradients();
                    all[i].AddTo(batch, step);
                }

            Pass(model, tape, batch, recompute, update: step);
            for (int i = 0; i < all.Length; i++)
                if (step < learners.Steps[i])
                {
                    optimizers[i].Update(optimizers[i].GradientNorm(), 1e-2, step + 1);
                    states[i] = all[i].State();
                }
        }

        foreach (AdamW optimizer in optimizers)
            optimizer.Dispose();
        foreach (Learner learner in all)
            learner.Dispose();
        return states;
    }

    private static double[] Pass(
        Model model, Tape tape, Learner.Batch batch, bool recompute, long update, bool pushBack = true)
    {
        tape.BeginTraining(recompute, seed: 77, update);
        ModelInputs inputs = ModelInputs.Upload(
            tape, batch.Ids.ToArray(), batch.Positions.ToArray(), batch.Bounds.ToArray(), batch.Targets.ToArray(),
            batch.Keys.ToArray()) with { Adapters = batch.Rows };
        DType statistic = model.Parameters.Type == DType.F64 ? DType.F64 : DType.F32;
        Tensor losses = tape.Take(statistic, new Shape(batch.Ids.Count));
        model.Losses(tape, inputs, 0.1f, losses);
        double[] values = TestTensors.Read(model.Backend, losses);
        if (pushBack)
            tape.Backward();
        return values;
    }

    private static Model Create(string kind, Backend backend, DType type)
    {
        if (kind != "xlm-roberta")
            return TinyModels.Create(
                TinyModels.Config(kind == "llama" ? Architecture.Llama : Architecture.Gemma3), backend, type);
        EncoderConfig config = new()
        {
            VocabularySize = 13, Width = 12, Layers = 2, Heads = 3, InnerWidth = 20, MaxPositions = 20,
            NormEpsilon = 1e-5f, HasMaskedHead = true, InitializerRange = 0.4f, HiddenDropout = 0.1f,
            AttentionDropout = 0.2f,
        };
        var model = new XlmRoberta(config, backend, type, 11);
        ModelInitializer.Draw(model, seed: 5);
        return model;
    }
}
