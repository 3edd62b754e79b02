using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Labels of tokens against an independent float64 implementation: losses, and gradients of everything.
/// </summary>
public sealed class GoldenClassifierTests
{
    private const int Labels = 7;

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    /// <summary>Sums of some hundred F32 products, normed eight times in a row: 100 times 2^-24, and ten for that.
    /// </summary>
    [Test]
    public void Classifier_AgreesWithGolden_InF32([ValueSource(nameof(Devices))] string device) =>
        Compare(device, DType.F32, 1e-4);

    /// <summary>Golden numbers are stored as F32, and a model's constants, as epsilons, are F32: 6e-8 each.</summary>
    [Test]
    public void Classifier_AgreesWithGolden_InF64() => Compare("reference", DType.F64, 5e-7);

    private static void Compare(string device, DType type, double tolerance)
    {
        GoldenEncoder golden = GoldenEncoder.Read();
        Dictionary<string, double[]> given = GoldenCase.ReadTensors(
            GoldenEncoder.Folder, "classifier.inputs.safetensors");
        EncoderRows rows = golden.PaddedTo(golden.Padded);
        for (int row = 0; row < rows.Count; row++)
            rows.Targets[row] = (int)given["labels"][row];

        using Backend backend = Backends.Open(device);
        using XlmRoberta model = GoldenEncoder.Load(backend, type);
        using var head = new TokenClassifier(backend, type, model.Config.Width, Labels);
        foreach (Parameter parameter in head.Parameters.All)
            TestTensors.Write(backend, given[parameter.Name], parameter.Value);
        model.Parameters.Train(parameter => !parameter.Name.StartsWith("lm_head.", StringComparison.Ordinal));
        head.Parameters.Train(_ => true);
        model.Parameters.ClearGradients();
        head.Parameters.ClearGradients();
        using var tape = new Tape(backend, poison: true);
        tape.BeginTraining();
        Tensor losses = tape.Take(type == DType.F64 ? DType.F64 : DType.F32, new Shape(rows.Count));
        TokenClassifier.Losses(
            tape, model, rows.Upload(tape),
            [new ClassifierGroup(head, new RowRange(0, rows.Count), 1f / rows.Predicted)], dropout: 0, losses);
        var found = new Dictionary<string, double[]> { ["token_losses"] = TestTensors.Read(backend, losses) };
        found["loss"] = [found["token_losses"].Sum() / rows.Predicted];
        tape.Backward();
        foreach (Parameter parameter in (Parameter[])[.. model.Parameters.Trained, .. head.Parameters.All])
            found[$"grad.{parameter.Name}"] = TestTensors.Read(backend, parameter.Gradient);

        Dictionary<string, double[]> expected = GoldenCase.ReadTensors(
            GoldenEncoder.Folder, "classifier.expected.safetensors");
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
}
