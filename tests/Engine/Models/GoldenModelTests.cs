using FastCpt.Engine.Models;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Logits, losses and gradients of whole models against an independent float64 implementation.</summary>
public sealed class GoldenModelTests
{
    private static IEnumerable<string> Cases => GoldenCase.Names;

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    [Test]
    public void Model_AgreesWithGolden_InF32(
        [ValueSource(nameof(Cases))] string name, [ValueSource(nameof(Devices))] string device) =>
        Compare(name, device, DType.F32, 1e-4);

    /// <summary>Golden numbers are stored as F32, and a model's constants, as epsilons, are F32: 6e-8 each.</summary>
    [Test]
    public void Model_AgreesWithGolden_InF64([ValueSource(nameof(Cases))] string name) =>
        Compare(name, "reference", DType.F64, 5e-7);

    /// <summary>Some 40 roundings of 2^-9 in a row: 1.2 % of the norm at random, and four times that.</summary>
    [Test]
    public void Model_StaysNearGolden_InBF16(
        [ValueSource(nameof(Cases))] string name, [ValueSource(nameof(Devices))] string device)
    {
        GoldenCase golden = GoldenCase.Read(name);
        using Backend backend = Backends.Open(device);
        using CausalModel model = golden.Load(backend, DType.BF16);
        Dictionary<string, double[]> found = golden.Run(model), expected = golden.Expected();
        foreach (string tensor in (string[])["logits", "token_losses", "loss"])
        {
            double error = Norm(expected[tensor].Zip(found[tensor], (a, b) => a - b)) / Norm(expected[tensor]);
            TestContext.Out.WriteLine($"{tensor}: {error:e2}");
            Assert.That(error, Is.LessThan(0.05), tensor);
        }

        static double Norm(IEnumerable<double> values) => Math.Sqrt(values.Sum(value => value * value));
    }

    [Test]
    public void Recompute_ChangesNoBitOfGolden([ValueSource(nameof(Devices))] string device)
    {
        GoldenCase golden = GoldenCase.Read("gemma3-layer-types");
        using Backend backend = Backends.Open(device);
        using CausalModel model = golden.Load(backend, DType.F32);
        Dictionary<string, double[]> plain = golden.Run(model);
        foreach (var (tensor, values) in golden.Run(model, recompute: true))
            Assert.That(values, Is.EqualTo(plain[tensor]), tensor);
    }

    [Test]
    public void SavedModel_LoadsWithTheSameBits(
        [ValueSource(nameof(Cases))] string name, [Values(DType.F32, DType.BF16)] DType type)
    {
        GoldenCase golden = GoldenCase.Read(name);
        using var folder = new TestFolder();
        using Backend backend = Backends.Open("cpu");
        using CausalModel model = golden.Load(backend, type);
        ModelSaver.Save(folder.At("saved"), model, type);
        var warnings = new List<string>();
        using var again = (CausalModel)ModelLoader.Load(
            folder.At("saved"), backend, type, golden.LongestDocument, warnings.Add);
        Assert.That(warnings, Is.Empty);
        Assert.That(again.Config.IsSameAs(model.Config), Is.True);
        for (int i = 0; i < model.Parameters.All.Count; i++)
            Assert.That(TestTensors.Read(backend, again.Parameters.All[i].Value),
                Is.EqualTo(TestTensors.Read(backend, model.Parameters.All[i].Value)), again.Parameters.All[i].Name);
    }

    private static void Compare(string name, string device, DType type, double tolerance)
    {
        GoldenCase golden = GoldenCase.Read(name);
        using Backend backend = Backends.Open(device);
        using CausalModel model = golden.Load(backend, type);
        Dictionary<string, double[]> found = golden.Run(model), expected = golden.Expected();
        Assert.That(found.Keys, Is.EquivalentTo(expected.Keys));
        double worst = 0;
        Assert.Multiple(() =>
        {
            foreach (var (tensor, values) in expected)
            {
                double largest = values.Max(Math.Abs);
                double error = values.Zip(found[tensor], (a, b) => Math.Abs(a - b)).Max() / largest;
                worst = Math.Max(worst, error);
                Assert.That(error, Is.LessThanOrEqualTo(tolerance), tensor);
            }
        });
        TestContext.Out.WriteLine($"largest error relative to a tensor's largest value: {worst:e2}");
    }
}
