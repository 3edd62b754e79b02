using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Training;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Gradients of adapters through whole models, and that nothing else is trained.</summary>
internal sealed class LoraGradientTests
{
    [Test]
    public void Fact19_Gradients_AgreeWithCentralDifferences(
        [Values(Architecture.Llama, Architecture.Gemma3)] Architecture architecture, [Values] bool recompute,
        [Values("all-linear", "v_proj,down_proj")] string targets)
    {
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(TinyModels.Config(architecture), backend, DType.F64);
        using var tape = new Tape(backend, poison: true);
        using Lora lora = TinyLora.Attach(model, rank: 3, targets.Split(','));
        lora.Parameters.ClearGradients();
        TinyModels.Loss(model, tape, train: true, recompute);
        foreach (Parameter parameter in lora.Parameters.All)
        {
            double[] gradient = TestTensors.Read(backend, parameter.Gradient);
            double[] values = TestTensors.Read(backend, parameter.Value);
            double scale = Math.Max(1e-3, gradient.Max(Math.Abs));
            Assert.That(gradient, Has.Some.Not.Zero, parameter.Name);
            for (int i = 0; i < values.Length; i += 1 + values.Length / 5)
            {
                double difference = ModelGradientTests.CentralDifference(model, tape, parameter, values, i);
                // As for whole models: truncation and rounding are below 1e-9.
                Assert.That(gradient[i], Is.EqualTo(difference).Within(1e-7 * scale), $"{parameter} element {i}");
            }
        }
    }

    [Test]
    public void Fact19_FreshAdapters_HaveAGradientOfBAlone()
    {
        using Backend backend = Backends.Open("cpu", threads: 1);
        using CausalModel model = TinyModels.Create(TinyModels.Config(Architecture.Llama), backend, DType.F32);
        using var tape = new Tape(backend, poison: true);
        using Lora lora = Lora.Attach(model, new LoraSettings { Rank = 2 });
        lora.Parameters.ClearGradients();
        TinyModels.Loss(model, tape, train: true);
        foreach (Parameter parameter in lora.Parameters.All)
            Assert.That(
                TestTensors.Read(backend, parameter.Gradient).Any(value => value != 0),
                Is.EqualTo(parameter.Name.EndsWith("lora_B.weight", StringComparison.Ordinal)), parameter.Name);
    }

    [Test]
    public void Recompute_ChangesNoBit(
        [Values(Architecture.Llama, Architecture.Gemma3)] Architecture architecture,
        [Values("reference", "cpu")] string device, [Values(DType.F32, DType.BF16)] DType type)
    {
        double[][] plain = Gradients(architecture, device, type, recompute: false);
        double[][] again = Gradients(architecture, device, type, recompute: true);
        for (int i = 0; i < plain.Length; i++)
            Assert.That(again[i], Is.EqualTo(plain[i]));
    }

    [Test]
    public void Cpu_AgreesWithReference([Values(Architecture.Llama, Architecture.Gemma3)] Architecture architecture)
    {
        double[][] want = Gradients(architecture, "reference", DType.F32, recompute: false);
        double[][] got = Gradients(architecture, "cpu", DType.F32, recompute: false);
        for (int i = 0; i < want.Length; i++)
        {
            // Two layers of sums of at most 32 terms in float32, each within a few ulp of the double's.
            double scale = want[i].Max(Math.Abs);
            Assert.That(got[i], Is.EqualTo(want[i]).Within(2e-5 * scale), $"array {i}");
        }
    }

    [Test]
    public void Fact18_Training_MovesAdapters_AndNoByteOfTheModel([Values(DType.F32, DType.BF16)] DType type)
    {
        using Backend backend = Backends.Open("cpu", threads: 2);
        using CausalModel model = TinyModels.Create(TinyModels.Config(Architecture.Gemma3), backend, type);
        using var tape = new Tape(backend, poison: true);
        using Lora lora = Lora.Attach(model, new LoraSettings { Rank = 4, Targets = [LoraSettings.AllLinear] });
        double[][] weights = Read(model.Parameters), start = Read(lora.Parameters);
        using var optimizer = new AdamW(lora.Parameters, new AdamWSettings(WeightDecay: 0.1f), _ => default);
        var losses = new List<double>();
        for (int update = 1; update <= 20; update++)
        {
            lora.Parameters.ClearGradients();
            losses.Add(TinyModels.Loss(model, tape, train: true));
            optimizer.Update(optimizer.GradientNorm(), 1e-2, update);
        }

        Assert.That(losses[^1], Is.LessThan(0.9 * losses[0]));
        Assert.That(Read(model.Parameters), Is.EqualTo(weights));
        Assert.That(model.Parameters.All, Has.All.Property(nameof(Parameter.Gradient)).EqualTo(Tensor.None));
        foreach (var (before, after) in start.Zip(Read(lora.Parameters)))
            Assert.That(after, Is.Not.EqualTo(before));

        double[][] Read(ParameterSet parameters) =>
            [.. parameters.All.Select(parameter => TestTensors.Read(backend, parameter.Value))];
    }

    /// <summary>Forward all, backward to the inputs of what has something trained below, and the adapters' own.
    /// </summary>
    [Test]
    public void Tape_CountsTheProductsThatAdaptersNeed([Values] bool recompute)
    {
        const int Rank = 3, Width = 12, Queries = 24, Keys = 12, Inner = 10, Vocabulary = 13;
        using Backend backend = Backends.Open("cpu", threads: 1);
        using CausalModel model = TinyModels.Create(TinyModels.Config(Architecture.Llama), backend, DType.F32);
        using var tape = new Tape(backend, poison: true);
        using Lora lora = TinyLora.Attach(model, Rank, "q_proj", "v_proj");
        TinyModels.Loss(model, tape, train: true, recompute);
        int heads = Width * (Queries + 2 * Keys), rest = Width * Queries + 3 * Width * Inner;
        int downs = 2 * Rank * Width, ups = Rank * (Queries + Keys), head = Width * Vocabulary;
        int forward = 2 * (heads + rest + downs + ups) + head;
        // In the first block nothing that trains lies below query, key and value.
        int backward = head + heads + 2 * rest + (2 * downs + 2 * ups) + (downs + 2 * ups);
        Assert.That(tape.ProductFlops / (2.0 * TinyModels.Rows), Is.EqualTo(forward + backward));
    }

    private static double[][] Gradients(Architecture architecture, string device, DType type, bool recompute)
    {
        using Backend backend = Backends.Open(device);
        using CausalModel model = TinyModels.Create(TinyModels.Config(architecture, 3), backend, type);
        using var tape = new Tape(backend, poison: true);
        using Lora lora = TinyLora.Attach(model);
        lora.Parameters.ClearGradients();
        double loss = TinyModels.Loss(model, tape, train: true, recompute);
        return [[loss], .. lora.Parameters.All.Select(parameter => TestTensors.Read(backend, parameter.Gradient))];
    }
}
