using FastCpt.Engine;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Adapters;

/// <summary>Adapters of an encoder, in folders that an independent float64 implementation wrote, against what it
/// makes of them: activations, logits, losses, gradients.</summary>
internal sealed class GoldenBlockAdapterTests
{
    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    /// <summary>As for the encoder alone.</summary>
    [Test]
    public void Adapters_AgreeWithGolden_InF32(
        [ValueSource(nameof(Devices))] string device, [Values("bottleneck", "fusion", "prefix")] string kind,
        [Values] bool padded) => Compare(device, DType.F32, kind, padded, 1e-4);

    /// <summary>As for the encoder alone: golden numbers are stored as F32.</summary>
    [Test]
    public void Adapters_AgreeWithGolden_InF64(
        [Values("bottleneck", "fusion", "prefix")] string kind, [Values] bool padded) =>
        Compare("reference", DType.F64, kind, padded, 5e-7);

    private static void Compare(string device, DType type, string kind, bool padded, double tolerance)
    {
        GoldenEncoder golden = GoldenEncoder.Read();
        string folder = Path.Combine(GoldenEncoder.Folder, kind);
        Dictionary<string, double[]> expected = GoldenCase.ReadExpected(folder);
        EncoderRows filled = golden.PaddedTo(golden.Padded);
        Dictionary<string, double[]> found = Run(padded ? filled : golden.Packed(), device, type, folder);
        foreach (string tensor in (string[])["hidden", "logits", "token_losses"])
        {
            expected[tensor] = filled.WithoutPadding(expected[tensor]);
            if (padded)
                found[tensor] = filled.WithoutPadding(found[tensor]);
        }

        Assert.That(found.Keys, Is.EquivalentTo(expected.Keys));
        Assert.Multiple(() =>
        {
            foreach (var (tensor, values) in expected)
            {
                double error = values.Zip(found[tensor], (a, b) => Math.Abs(a - b)).Max() / values.Max(Math.Abs);
                Assert.That(error, Is.LessThanOrEqualTo(tolerance), tensor);
            }
        });
    }

    private static Dictionary<string, double[]> Run(EncoderRows rows, string device, DType type, string folder)
    {
        using Backend backend = Backends.Open(device);
        using XlmRoberta model = GoldenEncoder.Load(backend, type);
        model.Parameters.Train(_ => false);
        using BlockAdapters adapters = BlockAdapterFolder.Load(model, folder, Assert.Fail);
        adapters.Attach(model, place: 0);
        adapters.Parameters.Train(_ => true);       // what a fusion mixes too: its gradients are known
        var results = new Dictionary<string, double[]>();
        using var tape = new Tape(backend, poison: true);
        tape.BeginInference();
        results["hidden"] = TestTensors.Read(backend, model.Hidden(tape, rows.Upload(tape)).Value);
        tape.BeginInference();
        Tensor logits = tape.Take(type, new Shape(rows.Count, model.Config.VocabularySize));
        model.Logits(tape, rows.Upload(tape), firstRow: 0, logits);
        results["logits"] = TestTensors.Read(backend, logits);
        adapters.Parameters.ClearGradients();
        tape.BeginTraining();
        Tensor losses = tape.Take(type == DType.F64 ? DType.F64 : DType.F32, new Shape(rows.Count));
        model.Losses(tape, rows.Upload(tape), 1f / rows.Predicted, losses);
        results["token_losses"] = TestTensors.Read(backend, losses);
        results["loss"] = [results["token_losses"].Sum() / rows.Predicted];
        tape.Backward();
        if (adapters.Settings is PrefixSettings { Length: var length })
            results["grad.prompt_embeddings"] = PromptGradient(backend, adapters.Parameters, length);
        else
            foreach (Parameter parameter in adapters.Parameters.All)
                results[$"grad.{parameter.Name}"] = TestTensors.Read(backend, parameter.Gradient);
        return results;
    }

    /// <summary>[P, layers · 2 · C] of the gradients of keys and values of each layer, [P, C].</summary>
    private static double[] PromptGradient(Backend backend, ParameterSet parameters, int length)
    {
        double[][] parts = [.. parameters.All.Select(parameter => TestTensors.Read(backend, parameter.Gradient))];
        int width = parts[0].Length / length;
        return [.. Enumerable.Range(0, length)
            .SelectMany(row => parts.SelectMany(part => part.Skip(row * width).Take(width)))];
    }
}
