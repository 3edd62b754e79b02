using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Alignment;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Adapters;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;
using TinyDecoders = FastCpt.Tests.Engine.Models.TinyModels;

namespace FastCpt.Tests.Engine.Alignment;

/// <summary>Adapters merged into their base and taken out again, in memory and from folders to a folder.</summary>
internal sealed class MergeLoraTests
{
    private TestFolder _folder = null!;         // SetUp makes these
    private Backend _backend = null!;

    [SetUp]
    public void SetUp() => (_folder, _backend) = (new TestFolder(), Backends.Open("cpu", threads: 2));

    [TearDown]
    public void TearDown()
    {
        _backend.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void Fact17_MergedModel_ScoresAsTheAdaptedOne_AndTakingOutRestoresIt(
        [Values(Architecture.Llama, Architecture.Gemma3)] Architecture architecture)
    {
        string source = Path.Combine(
            TestData.RepositoryRoot, "tests", "Golden", "models",
            architecture == Architecture.Llama ? "llama-tied" : "gemma3-pattern");
        using CausalModel model = Load(source, DType.F32);
        using var tape = new Tape(_backend, poison: true);
        double[] expected;
        using (Lora lora = TinyLora.Attach(model))
        {
            expected = TinyLora.Logits(model, tape);
            SaveAdapter(lora);
        }

        MergeLora.Run(new MergeInput("base", source), _folder.At("adapter"), Output("merged"));
        MergeLora.Run(
            new MergeInput("merged", _folder.At("merged")), _folder.At("adapter"), Output("back"), takeOut: true);
        using CausalModel merged = Load("merged", DType.F32), back = Load("back", DType.F32);
        double largest = expected.Max(Math.Abs);
        Assert.That(TinyLora.Logits(model, tape), Is.Not.EqualTo(expected).Within(1e-2 * largest));
        Assert.That(TinyLora.Logits(merged, tape), Is.EqualTo(expected).Within(1e-5 * largest));
        foreach (var (start, end) in Values(model).Zip(Values(back)))
            Assert.That(end, Is.EqualTo(start).Within(1e-6));
    }

    [Test]
    public void Fact20_DoublingAlpha_IsDoublingB()
    {
        using CausalModel model = Model(Architecture.Llama, DType.F32);
        using var tape = new Tape(_backend, poison: true);
        double[] doubledB, doubledAlpha;
        double[][] b;
        using (Lora lora = TinyLora.Attach(model))
        {
            b = [.. lora.Linears.Select(linear => TestTensors.Read(_backend, linear.Adapter!.B.Value))];
            for (int i = 0; i < b.Length; i++)
                TestTensors.Write(_backend, [.. b[i].Select(value => 2 * value)], lora.Linears[i].Adapter!.B.Value);
            doubledB = TinyLora.Logits(model, tape);
        }

        using (Lora lora = Lora.Attach(
            model, new LoraSettings { Rank = 3, Alpha = 10, Seed = 3, Targets = [LoraSettings.AllLinear] }))
        {
            for (int i = 0; i < b.Length; i++)
                TestTensors.Write(_backend, b[i], lora.Linears[i].Adapter!.B.Value);
            doubledAlpha = TinyLora.Logits(model, tape);
        }

        Assert.That(doubledAlpha, Is.EqualTo(doubledB));
    }

    /// <summary>The sum is formed in another order here; one rounding may fall to the other side of a tie.</summary>
    [TestCase(DType.F32)]
    [TestCase(DType.BF16)]
    public void Folders_HaveEverySumRoundedOnce_AndTheRestByteForByte(DType type)
    {
        WriteBase(type);
        PeftFixture.Write(_folder.At("adapter"));
        MergeLora.Run(new MergeInput("base", _folder.At("base")), _folder.At("adapter"), Output("merged"));
        using CausalModel source = Load("base", type), merged = Load("merged", type), adapted = Load("base", DType.F32);
        using PeftFolder folder = PeftFolder.Open(_folder.At("adapter"), Assert.Fail);
        using Lora lora = folder.Attach(adapted, Assert.Fail);
        int changed = 0;
        foreach (Parameter parameter in source.Parameters.All)
        {
            double[] was = TestTensors.Read(_backend, parameter.Value);
            double[] found = TestTensors.Read(_backend, merged.Parameters[parameter.Name].Value);
            double[] delta = Delta(lora, parameter.Name) ?? new double[was.Length];
            changed += delta.Any(value => value != 0) ? 1 : 0;
            for (int i = 0; i < was.Length; i++)
                Assert.That(found[i], Is.EqualTo(Rounded(was[i] + delta[i], type)), $"{parameter.Name} {i}");
        }

        Assert.That(changed, Is.EqualTo(4));
        string manifest = File.ReadAllText(Path.Combine(_folder.At("merged"), "merge.json"));
        Assert.That(manifest, Does.Contain("\"lora\"").And.Contain("adapter_model.safetensors"));
        MergeLora.Run(
            new MergeInput("merged", _folder.At("merged")), _folder.At("adapter"), Output("back"), takeOut: true);
        using CausalModel back = Load("back", type);
        // The sum is rounded, and what is left of it again: half a unit in the last place of each.
        double bound = Math.Pow(2, type == DType.F32 ? -23 : -7);
        foreach (var ((start, sum), end) in Values(source).Zip(Values(merged)).Zip(Values(back)))
            for (int i = 0; i < start.Length; i++)
                Assert.That(
                    end[i], Is.EqualTo(start[i]).Within(bound * Math.Max(Math.Abs(start[i]), Math.Abs(sum[i]))));
    }

    [Test]
    public void TiedHead_IsRefused_Untied_OrShared_AsAsked()
    {
        WriteBase(DType.F32);
        (string, int, int)[] tensors =
        [
            ("base_model.model.lm_head.lora_A.weight", 2, 12), ("base_model.model.lm_head.lora_B.weight", 13, 2),
        ];
        PeftFixture.Write(_folder.At("adapter"), PeftFixture.Config.Replace(
            "\"q_proj\",\n    \"v_proj\"", "\"lm_head\"", StringComparison.Ordinal), tensors);
        var model = new MergeInput("base", _folder.At("base"));
        var refused = Assert.Throws<RunException>(
            () => MergeLora.Run(model, _folder.At("adapter"), Output("refused")));
        Assert.That(refused.Message, Does.Contain("lm_head.lora_A").And.Contain("untie"));
        Assert.That(Directory.Exists(_folder.At("refused")), Is.False);

        MergeLora.Run(model, _folder.At("adapter"), Output("untied"), TiedHead.Untie);
        MergeLora.Run(model, _folder.At("adapter"), Output("shared"), TiedHead.Shared);
        using CausalModel source = Load("base", DType.F32), untied = Load("untied", DType.F32);
        using CausalModel shared = Load("shared", DType.F32);
        double[] table = TestTensors.Read(_backend, source.Head.Value);
        double[] head = TestTensors.Read(_backend, untied.Head.Value);
        Assert.That(untied.Config.TiedHead, Is.False);
        Assert.That(
            TestTensors.Read(_backend, untied.Parameters[ParameterLayout.Embedding].Value), Is.EqualTo(table));
        for (int i = 0; i < head.Length; i++)
        {
            double delta = 0;
            for (int r = 0; r < 2; r++)
                delta += 2.5 * PeftFixture.Value(24 + i / 12 * 2 + r) * PeftFixture.Value(r * 12 + i % 12);
            Assert.That(head[i], Is.EqualTo((float)(table[i] + delta)).Within(1e-6));
        }

        Assert.That(shared.Config.TiedHead, Is.True);
        Assert.That(TestTensors.Read(_backend, shared.Head.Value), Is.EqualTo(head));
    }

    [Test]
    public void Fact38_AnotherBase_IsRefused_OrAllowed()
    {
        WriteBase(DType.F32);
        PeftFixture.Write(_folder.At("adapter"));
        var state = new AdapterState { Base = AdapterState.HashesOf(_folder.At("base")), Labels = ["O", "B-time"] };
        File.WriteAllBytes(Path.Combine(_folder.At("adapter"), AdapterState.FileName), state.ToBytes());
        var model = new MergeInput("base", _folder.At("base"));
        MergeLora.Run(model, _folder.At("adapter"), Output("same"));
        WriteBase(DType.BF16, "other");
        var other = new MergeInput("base", _folder.At("other"));
        var refused = Assert.Throws<RunException>(() => MergeLora.Run(other, _folder.At("adapter"), Output("no")));
        Assert.That(refused.Message, Does.Contain("base's weights"));
        var warnings = new List<string>();
        MergeLora.Run(
            other, _folder.At("adapter"), Output("yes") with { Warn = warnings.Add }, allowOtherBase: true);
        Assert.That(warnings, Has.One.Contains("base's weights"));

        AdapterState read = AdapterState.Read(_folder.At("adapter"))!;      // it has been written
        Assert.That(read.ToBytes(), Is.EqualTo(state.ToBytes()));
        Assert.That(() => read.Require("a", state.Base, ["O", "B-time"], null, warn: null), Throws.Nothing);
        Assert.That(
            Assert.Throws<RunException>(() => read.Require("a", state.Base, ["O", "B-date"], null, warn: null)).Message,
            Does.Contain("labels"));
        warnings.Clear();
        read.Require("a", state.Base, ["O"], null, warnings.Add);
        Assert.That(warnings, Has.One.Contains("labels"));
    }

    [Test]
    public void ChangedLabels_AreNoticedByTheirHash()
    {
        Directory.CreateDirectory(_folder.At("adapter"));
        string text = System.Text.Encoding.UTF8.GetString(new AdapterState { Labels = ["O", "B-time"] }.ToBytes());
        File.WriteAllText(
            Path.Combine(_folder.At("adapter"), AdapterState.FileName),
            text.Replace("B-time", "B-date", StringComparison.Ordinal));
        Assert.That(
            Assert.Throws<RunException>(() => AdapterState.Read(_folder.At("adapter"))).Message,
            Does.Contain("labels_sha256"));
    }

    private static double Rounded(double value, DType type) =>
        type == DType.F32 ? (float)value : Bf16.ToSingle(Bf16.FromDouble(value));

    /// <summary>scale · B A of a weight; null where it has no adapter.</summary>
    private double[]? Delta(Lora lora, string parameter)
    {
        Linear? linear = lora.Linears.FirstOrDefault(linear => $"{linear.Name}.weight" == parameter);
        if (linear?.Adapter is not { } adapter)
            return null;
        double[] a = TestTensors.Read(_backend, adapter.A.Value), b = TestTensors.Read(_backend, adapter.B.Value);
        int rank = (int)adapter.Rank, cols = (int)linear.InputWidth;
        var delta = new double[linear.OutputWidth * cols];
        for (int i = 0; i < delta.Length; i++)
            for (int r = 0; r < rank; r++)
                delta[i] += adapter.Scale * b[i / cols * rank + r] * a[r * cols + i % cols];
        return delta;
    }

    private void SaveAdapter(Lora lora) => PeftFolder.Save(
        _folder.At("adapter"), new PeftConfig(lora.Settings),
        [.. lora.Parameters.All.Select(parameter => (parameter.Name, parameter.Value))], _backend);

    private MergeOutput Output(string name) => new(_folder.At(name));

    private CausalModel Model(Architecture architecture, DType type) =>
        TinyDecoders.Create(TinyDecoders.Config(architecture), _backend, type);

    private void WriteBase(DType type, string name = "base")
    {
        File.WriteAllText(_folder.At("config.json"), """
            {
              "model_type": "llama", "vocab_size": 13, "hidden_size": 12, "num_hidden_layers": 2, "head_dim": 6,
              "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 10, "hidden_act": "silu",
              "max_position_embeddings": 32, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": true
            }
            """);
        var config = (DecoderConfig)ModelConfigReader.Read(_folder.At("config.json")).Config;
        using CausalModel model = TinyDecoders.Create(config, _backend, type);
        ModelSaver.Save(_folder.At(name), model, type);
    }

    private CausalModel Load(string name, DType type) =>
        (CausalModel)ModelLoader.Load(_folder.At(name), _backend, type, TinyDecoders.Rows, _ => { });

    private double[][] Values(CausalModel model) =>
        [.. model.Parameters.All.Select(parameter => TestTensors.Read(_backend, parameter.Value))];
}
