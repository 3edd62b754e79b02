using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Base and adapter against an independent float64 computation; their folders come from the same oracle.
/// </summary>
/// <remarks>Computed by tests/oracles/adapters.</remarks>
public sealed class AdapterGoldenTests
{
    private const string Decoder = "llama-tied", Encoder = "encoder-tiny";

    private static string Root => Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "adapters");

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    /// <summary>As for models without adapters: sums of some hundred F32 products, and ten times that.</summary>
    [Test]
    public void AdaptedModel_AgreesWithGolden_InF32(
        [Values(Decoder, Encoder)] string name, [ValueSource(nameof(Devices))] string device) =>
        Compare(name, device, DType.F32, 1e-4);

    /// <summary>Golden numbers are stored as F32, and scales and epsilons are F32: 6e-8 each.</summary>
    [Test]
    public void Fact19_AdaptedModel_AgreesWithGolden_InF64([Values(Decoder, Encoder)] string name) =>
        Compare(name, "reference", DType.F64, 1e-6);

    [Test]
    public void FolderOfAnotherWriter_IsSavedWithTheSameBytes([Values(Decoder, Encoder)] string name)
    {
        using var folder = new TestFolder();
        using Backend backend = Backends.Open("cpu");
        using Model model = Load(name, backend, DType.F32);
        using PeftFolder source = PeftFolder.Open(Path.Combine(Root, name), Assert.Fail);
        using Lora lora = source.Attach(model, Assert.Fail);
        PeftFolder.Save(
            folder.At("saved"), source.Config,
            [.. lora.Parameters.All.Select(parameter => (parameter.Name, parameter.Value))], backend);
        foreach (string file in new[] { "adapter_config.json", "adapter_model.safetensors" })
            Assert.That(
                File.ReadAllBytes(Path.Combine(folder.At("saved"), file)),
                Is.EqualTo(File.ReadAllBytes(Path.Combine(Root, name, file))), file);
    }

    /// <summary>Of the masked head and of a head that labels, of every row, in every bit.</summary>
    [Test]
    public void Fact15_FreshAdapter_ChangesNoBitOfAnEncodersLogits(
        [ValueSource(nameof(Devices))] string device, [Values(DType.F32, DType.BF16)] DType type)
    {
        using Backend backend = Backends.Open(device);
        using XlmRoberta model = GoldenEncoder.Load(backend, type);
        using var head = new TokenClassifier(backend, type, model.Config.Width, labels: 7);
        head.Draw(seed: 1, deviation: 0.4f);
        (long[] Masked, long[] Labels) before = Logits(model, head);
        Assert.That(before.Masked.Distinct().Count(), Is.GreaterThan(100));
        Assert.That(before.Labels.Distinct().Count(), Is.GreaterThan(100));
        foreach (int rank in (int[])[1, 8])
            using (Lora.Attach(
                model, new LoraSettings { Rank = rank, Dropout = 0.1, Targets = [LoraSettings.AllLinear] }))
                Assert.That(Logits(model, head), Is.EqualTo(before), $"rank {rank}");
        using (TinyLora.Attach(model))
        {
            (long[] masked, long[] labels) = Logits(model, head);
            Assert.That(masked, Is.Not.EqualTo(before.Masked));
            Assert.That(labels, Is.Not.EqualTo(before.Labels));
        }
    }

    /// <summary>Bits of the scores [M, V] of pieces and [M, K] of labels, in a pass that only scores.</summary>
    private static (long[] Masked, long[] Labels) Logits(XlmRoberta model, TokenClassifier head)
    {
        EncoderRows rows = GoldenEncoder.Read().Packed();
        using var tape = new Tape(model.Backend, poison: true);
        tape.BeginInference();
        Tensor masked = tape.Take(DType.F32, new Shape(rows.Count, model.Config.VocabularySize));
        model.Logits(tape, rows.Upload(tape), firstRow: 0, masked);
        long[] ofPieces = Bits(masked);
        tape.BeginInference();
        Tensor labels = tape.Take(DType.F32, new Shape(rows.Count, head.Labels));
        model.Backend.Linear(
            model.Hidden(tape, rows.Upload(tape)).Value, head.Linear.Values(projected: default), labels);
        return (ofPieces, Bits(labels));

        long[] Bits(Tensor tensor) =>
            [.. TestTensors.Read(model.Backend, tensor).Select(BitConverter.DoubleToInt64Bits)];
    }

    private static void Compare(string name, string device, DType type, double tolerance)
    {
        using Backend backend = Backends.Open(device);
        using Model model = Load(name, backend, type);
        using PeftFolder source = PeftFolder.Open(Path.Combine(Root, name), Assert.Fail);
        using Lora lora = source.Attach(model, Assert.Fail);
        Dictionary<string, double[]> expected = GoldenCase.ReadExpected(Path.Combine(Root, name));
        Dictionary<string, double[]> found = Run(model, name, lora);
        if (name == Encoder)
        {
            GoldenEncoder golden = GoldenEncoder.Read();
            expected["token_losses"] = golden.PaddedTo(golden.Padded).WithoutPadding(expected["token_losses"]);
            expected.Remove("logits");      // of every row, where the engine scores only what is predicted
        }

        Assert.That(found.Keys, Is.EquivalentTo(expected.Keys));
        Assert.Multiple(() =>
        {
            foreach (var (tensor, values) in expected)
            {
                double largest = values.Max(Math.Abs);
                Assert.That(largest, Is.GreaterThan(0), tensor);
                double error = values.Zip(found[tensor], (a, b) => Math.Abs(a - b)).Max() / largest;
                Assert.That(error, Is.LessThanOrEqualTo(tolerance), tensor);
            }
        });
    }

    /// <summary>Losses and, with an adapter, its gradients; of a decoder also the logits.</summary>
    private static Dictionary<string, double[]> Run(Model model, string name, Lora? lora)
    {
        Backend backend = model.Backend;
        var results = new Dictionary<string, double[]>();
        using var tape = new Tape(backend, poison: true);
        GoldenCase? decoder = name == Decoder ? GoldenCase.Read(name) : null;
        EncoderRows? encoder = name == Encoder ? GoldenEncoder.Read().Packed() : null;
        if (model is CausalModel causal && decoder is not null)
        {
            tape.BeginInference();
            Tensor logits = tape.Take(
                model.Parameters.Type, new Shape(decoder.Ids.Length, model.Config.VocabularySize));
            causal.Logits(
                tape, ModelInputs.Upload(tape, decoder.Ids, decoder.Positions, decoder.Bounds, []), 0, logits);
            results["logits"] = TestTensors.Read(backend, logits);
        }

        lora?.Parameters.ClearGradients();
        if (lora is null)
            tape.BeginInference();
        else
            tape.BeginTraining();
        ModelInputs inputs = encoder?.Upload(tape) ?? ModelInputs.Upload(
            tape, decoder!.Ids, decoder.Positions, decoder.Bounds, decoder.Targets);    // it is one of the two
        int count = encoder?.Count ?? decoder!.Ids.Length;
        int predicted = encoder?.Predicted ?? decoder!.Targets.Count(target => target >= 0);
        Tensor losses = tape.Take(model.Parameters.Type == DType.F64 ? DType.F64 : DType.F32, new Shape(count));
        model.Losses(tape, inputs, 1f / predicted, losses);
        results["token_losses"] = TestTensors.Read(backend, losses);
        results["loss"] = [results["token_losses"].Sum() / predicted];
        if (lora is null)
            return results;
        tape.Backward();
        foreach (Parameter parameter in lora.Parameters.All)
            results[$"grad.{parameter.Name}"] = TestTensors.Read(backend, parameter.Gradient);
        return results;
    }

    private static Model Load(string name, Backend backend, DType type) =>
        name == Encoder ? GoldenEncoder.Load(backend, type) : GoldenCase.Read(name).Load(backend, type);
}
