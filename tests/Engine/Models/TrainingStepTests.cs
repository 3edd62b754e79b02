using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>A whole training step, model and optimizer, on the vectorised backend.</summary>
public sealed class TrainingStepTests
{
    private const int MostThreads = 8;

    [Test]
    public void Step_HasTheSameBits_OnAnyNumberOfThreads(
        [Values] Architecture architecture, [Values(DType.F32, DType.BF16)] DType type, [Values] bool recompute)
    {
        double[][] single = Train(1, architecture, type, recompute, steps: 3);
        Assert.That(single.SelectMany(values => values), Has.None.NaN);
        foreach (int threads in (int[])[2, MostThreads])
        {
            double[][] several = Train(threads, architecture, type, recompute, steps: 3);
            for (int i = 0; i < single.Length; i++)
                Assert.That(several[i], Is.EqualTo(single[i]), $"{threads} threads, array {i}");
        }
    }

    [Test]
    public void Step_AllocatesNothing_OnceItIsWarm(
        [Values] Architecture architecture, [Values(DType.F32, DType.BF16)] DType type, [Values] bool recompute)
    {
        using var step = new Step(2, architecture, type, recompute);
        for (int i = 0; i < 3; i++)
            step.Run();

        // Threads of the test host may allocate at any time; a step that allocates does so every time.
        long least = long.MaxValue;
        for (int i = 0; i < 20 && least > 0; i++)
        {
            long own = GC.GetAllocatedBytesForCurrentThread(), all = GC.GetTotalAllocatedBytes(precise: true);
            step.Run();
            all = GC.GetTotalAllocatedBytes(precise: true) - all;
            own = GC.GetAllocatedBytesForCurrentThread() - own;
            Assert.That(own, Is.LessThanOrEqualTo(all));
            least = Math.Min(least, all);
        }

        Assert.That(least, Is.Zero);
    }

    /// <returns>Losses, gradients, values and moments after some steps.</returns>
    private static double[][] Train(int threads, Architecture architecture, DType type, bool recompute, int steps)
    {
        using var step = new Step(threads, architecture, type, recompute);
        var losses = new double[steps];
        for (int i = 0; i < steps; i++)
            losses[i] = step.Run();
        return [losses, .. step.State()];
    }

    /// <summary>Three documents whose rows span several tiles, some of them without a target.</summary>
    private sealed class Step : IDisposable
    {
        private const int Rows = 300, Vocabulary = 211;

        private readonly Backend _backend;
        private readonly CausalModel _model;
        private readonly Tape _tape;
        private readonly TokenLosses _losses;
        private readonly AdamW _optimizer;
        private readonly bool _recompute;
        private readonly int[] _ids = [.. Enumerable.Range(0, Rows).Select(i => i * 53 % Vocabulary)];
        private readonly int[] _bounds = [0, 100, 100, 107, 107, 300];

        private readonly int[] _targets =
            [.. Enumerable.Range(0, Rows).Select(i => i % 7 == 0 ? -1 : i * 29 % Vocabulary)];

        private readonly int[] _positions =
            [.. Enumerable.Range(0, 100), .. Enumerable.Range(0, 7), .. Enumerable.Range(0, 193)];

        private long _update;

        public Step(int threads, Architecture architecture, DType type, bool recompute)
        {
            ModelConfig config = TinyModels.Config(architecture, tied: architecture != Architecture.Qwen3) with
            {
                Width = 48, HeadSize = 16, InnerWidth = 72, VocabularySize = Vocabulary, Window = 37,
            };
            _recompute = recompute;
            _backend = Backends.Open("cpu", threads);
            _model = TinyModels.Create(config, _backend, type, positions: 200);
            _model.Parameters.Train(_ => true);
            _tape = new Tape(_backend, poison: true);
            _losses = new TokenLosses(_backend, Rows);
            _optimizer = new AdamW(_model.Parameters, new AdamWSettings(), _ => default);
        }

        public double Run()
        {
            _model.Parameters.ClearGradients();
            _tape.BeginTraining(_recompute);
            ModelInputs inputs = ModelInputs.Upload(_tape, _ids, _positions, _bounds, _targets);
            _model.Losses(_tape, inputs, 1f / Rows, _losses.For(Rows));
            _tape.Backward();
            _optimizer.Update(_optimizer.GradientNorm(), learningRate: 1e-3, ++_update);
            return _losses.Sum(Rows);
        }

        public IEnumerable<double[]> State()
        {
            foreach (AdamW.State state in _optimizer.States)
            {
                yield return TestTensors.Read(_backend, state.Parameter.Gradient);
                yield return TestTensors.Read(_backend, state.Parameter.Value);
                yield return TestTensors.Read(_backend, state.SecondMoment);
            }
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _losses.Dispose();
            _tape.Dispose();
            _model.Dispose();
            _backend.Dispose();
        }
    }
}
