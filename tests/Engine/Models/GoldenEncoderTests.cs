using FastCpt.Engine;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>An encoder against an independent float64 implementation: activations, logits, losses, gradients.
/// </summary>
public sealed class GoldenEncoderTests
{
    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    /// <summary>Sums of some hundred F32 products, normed eight times in a row: 100 times 2^-24, and ten for that.
    /// </summary>
    [Test]
    public void Encoder_AgreesWithGolden_InF32([ValueSource(nameof(Devices))] string device, [Values] bool padded) =>
        Compare(device, DType.F32, padded, 1e-4);

    /// <summary>Golden numbers are stored as F32, and a model's constants, as epsilons, are F32: 6e-8 each.</summary>
    [Test]
    public void Encoder_AgreesWithGolden_InF64([Values] bool padded) =>
        Compare("reference", DType.F64, padded, 5e-7);

    /// <summary>Some 40 roundings of 2^-9 in a row: 1.2 % of the norm at random, and four times that.</summary>
    [Test]
    public void Encoder_StaysNearGolden_InBF16([ValueSource(nameof(Devices))] string device)
    {
        GoldenEncoder golden = GoldenEncoder.Read();
        Dictionary<string, double[]> expected = Expected(golden), found = Run(golden.Packed(), device, DType.BF16);
        foreach (string tensor in (string[])["hidden", "logits", "token_losses"])
        {
            double error = Norm(expected[tensor].Zip(found[tensor], (a, b) => a - b)) / Norm(expected[tensor]);
            TestContext.Out.WriteLine($"{tensor}: {error:e2}");
            Assert.That(error, Is.LessThan(0.05), tensor);
        }

        static double Norm(IEnumerable<double> values) => Math.Sqrt(values.Sum(value => value * value));
    }

    [Test]
    public void Recompute_ChangesNoBit([ValueSource(nameof(Devices))] string device)
    {
        EncoderRows rows = GoldenEncoder.Read().Packed();
        Dictionary<string, double[]> plain = Run(rows, device, DType.F32);
        foreach (var (tensor, values) in Run(rows, device, DType.F32, recompute: true))
            Assert.That(values, Is.EqualTo(plain[tensor]), tensor);
    }

    private static void Compare(string device, DType type, bool padded, double tolerance)
    {
        GoldenEncoder golden = GoldenEncoder.Read();
        Dictionary<string, double[]> expected = Expected(golden);
        EncoderRows rows = padded ? golden.PaddedTo(golden.Padded) : golden.Packed();
        Dictionary<string, double[]> found = Run(rows, device, type);
        if (padded)
            foreach (string tensor in (string[])["hidden", "logits", "token_losses"])
                found[tensor] = rows.WithoutPadding(found[tensor]);
        Assert.That(found.Keys, Is.EquivalentTo(expected.Keys));
        Assert.Multiple(() =>
        {
            foreach (var (tensor, values) in expected)
            {
                // A key's bias adds the same to all scores of a query: no gradient, but for rounding.
                double largest = Math.Max(values.Max(Math.Abs), 1e-3);
                double error = values.Zip(found[tensor], (a, b) => Math.Abs(a - b)).Max() / largest;
                Assert.That(error, Is.LessThanOrEqualTo(tolerance), tensor);
            }
        });
    }

    private static Dictionary<string, double[]> Run(
        EncoderRows rows, string device, DType type, bool recompute = false)
    {
        using Backend backend = Backends.Open(device);
        using XlmRoberta model = GoldenEncoder.Load(backend, type);
        var results = new Dictionary<string, double[]>();
        using var tape = new Tape(backend, poison: true);
        tape.BeginInference();
        results["hidden"] = TestTensors.Read(backend, model.Hidden(tape, rows.Upload(tape)).Value);
        tape.BeginInference();
        Tensor logits = tape.Take(type, new Shape(rows.Count, model.Config.VocabularySize));
        model.Logits(tape, rows.Upload(tape), firstRow: 0, logits);
        results["logits"] = TestTensors.Read(backend, logits);

        model.Parameters.Train(_ => true);
        model.Parameters.ClearGradients();
        tape.BeginTraining(recompute);
        Tensor losses = tape.Take(type == DType.F64 ? DType.F64 : DType.F32, new Shape(rows.Count));
        model.Losses(tape, rows.Upload(tape), 1f / rows.Predicted, losses);
        results["token_losses"] = TestTensors.Read(backend, losses);
        results["loss"] = [results["token_losses"].Sum() / rows.Predicted];
        tape.Backward();
        foreach (Parameter parameter in model.Parameters.All)
            results[$"grad.{parameter.Name}"] = TestTensors.Read(backend, parameter.Gradient);
        return results;
    }

    /// <summary>Without padding.</summary>
    private static Dictionary<string, double[]> Expected(GoldenEncoder golden)
    {
        Dictionary<string, double[]> expected = GoldenCase.ReadExpected(GoldenEncoder.Folder);
        foreach (string tensor in (string[])["hidden", "logits", "token_losses"])
            expected[tensor] = golden.PaddedTo(golden.Padded).WithoutPadding(expected[tensor]);
        return expected;
    }
}
