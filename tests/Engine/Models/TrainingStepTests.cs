using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Adapters;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

/// <summary>A whole training step, model and optimizer, on the vectorised backend.</summary>
public sealed class TrainingStepTests
{
    private const int MostThreads = 8;

    /// <summary>Qwen2 has biases and Gemma 3 everything else that a decoder here can have.</summary>
    [Test, Category("slow")]
    public void Step_HasTheSameBits_OnAnyNumberOfThreads(
        [Values(Architecture.Qwen2, Architecture.Gemma3)] Architecture architecture,
        [Values(DType.F32, DType.BF16)] DType type, [Values] bool recompute, [Values] bool adapters)
    {
        double[][] single = Train(1, architecture, type, recompute, adapters, steps: 2);
        Assert.That(single.SelectMany(values => values), Has.None.NaN);
        foreach (int threads in (int[])[2, MostThreads])
        {
            double[][] several = Train(threads, architecture, type, recompute, adapters, steps: 2);
            for (int i = 0; i < single.Length; i++)
                Assert.That(several[i], Is.EqualTo(single[i]), $"{threads} threads, array {i}");
        }
    }

    [Test]
    public void Step_HasTheSameBits_WithPackedWeights(
        [Values(Architecture.Qwen2, Architecture.Gemma3)] Architecture architecture,
        [Values(DType.F32, DType.BF16)] DType type)
    {
        double[][] plain = Train(2, architecture, type, recompute: false, adapters: true, steps: 2);
        double[][] packed = Train(2, architecture, type, recompute: false, adapters: true, steps: 2, packs: true);
        Assert.That(packed, Is.EqualTo(plain));
    }

    /// <summary>In a process of its own: the threads of the test host allocate at any time.</summary>
    [Test, Category("slow")]
    public void Step_AllocatesNothing_OnceItIsWarm() =>
        Assert.That(ChildProcess.RunToEnd("measure-steps"), Is.EqualTo((0, "")));

    /// <summary>Prints which steps allocate managed memory, on whatever thread.</summary>
    /// <returns>How many kinds of steps do.</returns>
    public static int MeasureAllocations()
    {
        int count = 0;
        foreach (Architecture architecture in Enum.GetValues<Architecture>())
        {
            foreach (DType type in (DType[])[DType.F32, DType.BF16])
            {
                for (int mode = 0; mode < 4; mode++)
                {
                    bool recompute = mode % 2 > 0, adapters = mode / 2 > 0;
                    long bytes = AllocatedBytes(architecture, type, recompute, adapters);
                    if (bytes == 0)
                        continue;
                    count++;
                    Console.WriteLine(
                        $"{architecture} {type}, recompute {recompute}, adapters {adapters}: {bytes} bytes");
                }
            }
        }

        return count;
    }

    /// <returns>The least of several steps: the runtime may compile a method once more in between.</returns>
    private static long AllocatedBytes(Architecture architecture, DType type, bool recompute, bool adapters)
    {
        using var step = new Step(2, architecture, type, recompute, adapters);
        for (int i = 0; i < 3; i++)
            step.Run();
        long least = long.MaxValue;
        for (int i = 0; i < 10 && least > 0; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            step.Run();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return least;
    }

    /// <returns>Losses, gradients, values and moments after some steps.</returns>
    private static double[][] Train(
        int threads, Architecture architecture, DType type, bool recompute, bool adapters, int steps,
        bool packs = false)
    {
        using var step = new Step(threads, architecture, type, recompute, adapters);
        using PackedWeights? packed = packs ? step.Pack() : null;
        Assert.That(packed?.Bytes > 0, Is.EqualTo(packs));
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
        private readonly Lora? _lora;
        private readonly ParameterSet _trained;
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

        public Step(int threads, Architecture architecture, DType type, bool recompute, bool adapters)
        {
            DecoderConfig config = TinyModels.Config(architecture, tied: architecture != Architecture.Qwen3) with
            {
                Width = 48, HeadSize = 16, InnerWidth = 72, VocabularySize = Vocabulary, Window = 37,
            };
            _recompute = recompute;
            _backend = Backends.Open("cpu", threads);
            _model = TinyModels.Create(config, _backend, type, positions: 200);
            _model.Parameters.Train(_ => !adapters);
            _lora = adapters ? TinyLora.Attach(_model, rank: 20) : null;
            _trained = _lora?.Parameters ?? _model.Parameters;
            _tape = new Tape(_backend, poison: true);
            _losses = new TokenLosses(_backend, Rows);
            _optimizer = new AdamW(_trained, new AdamWSettings(), _ => default);
        }

        public PackedWeights Pack() => new(_model.Parameters, _model.Linears, Rows);

        public double Run()
        {
            _trained.ClearGradients();
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
            _lora?.Dispose();
            _model.Dispose();
            _backend.Dispose();
        }
    }
}
