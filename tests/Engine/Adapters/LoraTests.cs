using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Which layers get adapters, what these begin as, and what they compute.</summary>
internal sealed class LoraTests
{
    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    /// <summary>R (K + N) a layer: 12 layers of width 768, 4 of 12 key heads, inner width 2,048.</summary>
    [TestCase(8, "q_proj,v_proj", 245_760)]
    [TestCase(32, "q_proj,v_proj", 983_040)]
    [TestCase(32, LoraSettings.AllLinear, 5_210_112)]
    public void Attach_OnALlamaOf110M_TrainsThatMany(int rank, string targets, long count)
    {
        DecoderConfig config = TinyModels.Config(Architecture.Llama, layers: 12) with
        {
            VocabularySize = 100, Width = 768, Heads = 12, KeyHeads = 4, HeadSize = 64, InnerWidth = 2048,
        };
        using Backend backend = Backends.Open("cpu", threads: 1);
        using CausalModel model = ModelFactory.Create(config, backend, DType.BF16, positions: 8);
        using Lora lora = Lora.Attach(model, new LoraSettings { Rank = rank, Targets = targets.Split(',') });
        Assert.That(lora.Parameters.Trained.Sum(parameter => parameter.Value.Length), Is.EqualTo(count));
        Assert.That(lora.Parameters.Count, Is.EqualTo(count));
        Assert.That(model.Parameters.Trained, Is.Empty);
    }

    [TestCase("q_proj", "model.layers.0.self_attn.q_proj", ExpectedResult = true)]
    [TestCase("self_attn.q_proj", "model.layers.0.self_attn.q_proj", ExpectedResult = true)]
    [TestCase("layers.1.self_attn.q_proj", "model.layers.0.self_attn.q_proj", ExpectedResult = false)]
    [TestCase("proj", "model.layers.0.self_attn.q_proj", ExpectedResult = false)]
    [TestCase("q_proj", "q_proj", ExpectedResult = true)]
    [TestCase("q_proj", "_proj", ExpectedResult = false)]
    [TestCase("all-linear", "model.layers.0.mlp.up_proj", ExpectedResult = true)]
    public bool Targets_AreWholeNamesOrTheirEnds(string target, string name) =>
        new LoraSettings { Targets = ["k_proj", target] }.Selects(name);

    [Test]
    public void Attach_NamesParametersAsPeftDoes()
    {
        using Backend backend = Backends.Open("reference");
        using CausalModel model = Create(Architecture.Gemma3, backend, DType.F32);
        using Lora lora = Lora.Attach(model, new LoraSettings { Rank = 2, Targets = ["layers.1.mlp.down_proj"] });
        Assert.That(lora.Parameters.All.Select(parameter => $"{parameter.Name} {parameter.Value.Shape}"), Is.EqualTo(
        [
            $"model.layers.1.mlp.down_proj.lora_A.weight {new Shape(2, 10)}",
            $"model.layers.1.mlp.down_proj.lora_B.weight {new Shape(12, 2)}",
        ]));
    }

    [TestCase(false, ExpectedResult = 4f)]
    [TestCase(true, ExpectedResult = 8f)]
    public float Scale_IsAlphaOverRankOrItsRoot(bool rootOfRank) =>
        new LoraSettings { Rank = 4, Alpha = 16, UseRsLora = rootOfRank }.Scale;

    /// <summary>U(−1/√K, 1/√K): a variance of 1/3K, and nothing outside.</summary>
    [Test]
    public void Attach_DrawsA_ByNameAndSeed_AndLeavesBZero()
    {
        double[] first = Values(1, "q_proj", "up_proj"), again = Values(1, "up_proj"), other = Values(2, "up_proj");
        Assert.That(again, Is.SubsetOf(first), "what else has an adapter does not matter");
        Assert.That(other, Is.Not.EqualTo(again));
        double bound = 1 / Math.Sqrt(12);
        Assert.That(first.Max(Math.Abs), Is.InRange(0.99 * bound, bound));
        // The variance of n squares of such numbers is 4/(45 n) of K⁻²: four deviations.
        double variance = first.Average(value => value * value) * 3 * 12;
        Assert.That(variance, Is.EqualTo(1).Within(4 * Math.Sqrt(0.8 / first.Length)));

        static double[] Values(ulong seed, params string[] targets)
        {
            using Backend backend = Backends.Open("cpu", threads: 2);
            using CausalModel model = Create(Architecture.Llama, backend, DType.F32);
            using Lora lora = Lora.Attach(model, new LoraSettings { Rank = 64, Seed = seed, Targets = targets });
            var adapters = model.Linears.Select(linear => linear.Adapter).OfType<LowRankAdapter>().ToArray();
            foreach (LowRankAdapter adapter in adapters)
                Assert.That(TestTensors.Read(backend, adapter.B.Value), Has.All.Zero);
            return [.. adapters.SelectMany(adapter => TestTensors.Read(backend, adapter.A.Value))];
        }
    }

    [Test]
    public void Fact15_FreshAdapters_ChangeNoBitOfADecodersLogits(
        [Values(Architecture.Llama, Architecture.Gemma3)] Architecture architecture,
        [ValueSource(nameof(Devices))] string device, [Values(DType.F32, DType.BF16)] DType type)
    {
        using Backend backend = Backends.Open(device);
        using CausalModel model = Create(architecture, backend, type);
        using var tape = new Tape(backend, poison: true);
        long[] before = Bits();
        using (Lora.Attach(model, new LoraSettings { Targets = [LoraSettings.AllLinear] }))
            Assert.That(Bits(), Is.EqualTo(before));
        using (TinyLora.Attach(model))
            Assert.That(Bits(), Is.Not.EqualTo(before));
        Assert.That(Bits(), Is.EqualTo(before), "taken off");

        long[] Bits() => [.. TinyLora.Logits(model, tape).Select(BitConverter.DoubleToInt64Bits)];
    }

    [Test]
    public void MergedWeights_GiveTheSameLogits(
        [Values(Architecture.Qwen2, Architecture.Gemma3)] Architecture architecture)
    {
        using Backend backend = Backends.Open("reference");
        using CausalModel model = Create(architecture, backend, DType.F64);
        using var tape = new Tape(backend, poison: true);
        using Lora lora = TinyLora.Attach(model);
        double[] beside = TinyLora.Logits(model, tape);
        foreach (Linear linear in model.Linears)
            Merge(linear, backend);
        // Sums of doubles in another order, of order one.
        Assert.That(TinyLora.Logits(model, tape), Is.EqualTo(beside).Within(1e-12));
    }

    [TestCase("q")]
    [TestCase("lm_head")]
    public void Attach_RefusesTargetsThatNameNothing(string target)
    {
        using Backend backend = Backends.Open("reference");
        using CausalModel model = Create(Architecture.Llama, backend, DType.F32);
        var refused = Assert.Throws<RunException>(
            () => Lora.Attach(model, new LoraSettings { Targets = ["q_proj", target] }));
        Assert.That(refused.Code, Is.EqualTo(ExitCode.Config));
        Assert.That(refused.Message, Does.Contain($"'{target}'").And.Contain("gate_proj"));
        Assert.That(model.Linears, Has.All.Property(nameof(Linear.Adapter)).Null);
    }

    [Test]
    public void Attach_RefusesWhatMakesNoSense()
    {
        using Backend backend = Backends.Open("reference");
        using CausalModel model = Create(Architecture.Llama, backend, DType.F32);
        Assert.Throws<RunException>(() => Lora.Attach(model, new LoraSettings { Rank = 0 }));
        Assert.Throws<RunException>(() => Lora.Attach(model, new LoraSettings { Alpha = double.NaN }));
        Assert.Throws<RunException>(() => Lora.Attach(model, new LoraSettings { Targets = [] }));
        using Lora lora = Lora.Attach(model, new LoraSettings());
        Assert.Throws<InvalidOperationException>(() => Lora.Attach(model, new LoraSettings()));
    }

    /// <summary>W + scale · B A in place of W, and an adapter that adds nothing.</summary>
    private static void Merge(Linear linear, Backend backend)
    {
        LowRankAdapter adapter = linear.Adapter!; // all layers have one
        double[] w = TestTensors.Read(backend, linear.Weight.Value);
        double[] a = TestTensors.Read(backend, adapter.A.Value), b = TestTensors.Read(backend, adapter.B.Value);
        long inputs = linear.InputWidth, rank = adapter.Rank;
        for (long n = 0; n < linear.OutputWidth; n++)
            for (long k = 0; k < inputs; k++)
                for (long r = 0; r < rank; r++)
                    w[n * inputs + k] += adapter.Scale * b[n * rank + r] * a[r * inputs + k];
        TestTensors.Write(backend, w, linear.Weight.Value);
        backend.Fill(0, adapter.B.Value);
    }

    private static CausalModel Create(Architecture architecture, Backend backend, DType type) =>
        TinyModels.Create(TinyModels.Config(architecture), backend, type);
}
