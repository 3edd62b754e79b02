using FastCpt.Engine;
using FastCpt.Engine.Models;
using FastCpt.Kernels;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Models;

/// <summary>The published base encoder; its weights, 1.1 GB, are looked for as
/// <c>FASTCPT_DATA/weights/xlm-roberta-base</c> and are not part of the data that tests have by default.</summary>
public sealed class PublishedEncoderTests
{
    private const double Tolerance = 1e-3;      // that of the published test

    /// <summary>"The dog is cute and lives in the garden house". lora-sharing.md 4.3.</summary>
    private static readonly int[] Sentence = [0, 581, 10269, 83, 99942, 136, 60742, 23, 70, 80583, 18276, 2];

    /// <summary>Component 767 of the last activations of its twelve tokens.</summary>
    private static readonly double[] Published =
    [
        -0.0101, 0.1218, -0.0803, 0.0801, 0.1327, 0.0776, -0.1215, 0.2383, 0.3338, 0.3106, 0.0300, 0.0252,
    ];

    [Test, Category("slow")]
    public void Fact11_PublishedWeights_GiveThePublishedVector()
    {
        // Not as other data are looked for: that it is not there says nothing of the rest.
        string folder = Path.Combine(TestData.Path(""), "weights", "xlm-roberta-base");
        if (!Directory.Exists(folder))
            Assert.Ignore($"the published XLM-R base is not here: put it into {folder}.");
        using Backend backend = Backends.Open("cpu");
        using var model = (XlmRoberta)ModelLoader.Load(folder, backend, DType.F32, Sentence.Length, _ => { });
        Assert.That(model.Config.Width, Is.EqualTo(768), "it is the base model");
        Assert.That(LastComponent(model, [Sentence]), Is.EqualTo(Published).Within(Tolerance));
    }

    /// <summary>The way in which the published weights are looked at, on the encoder that is always there.</summary>
    [Test]
    public void LastComponent_OfTheGoldenEncoder_IsWhatItsOracleGives()
    {
        GoldenEncoder golden = GoldenEncoder.Read();
        using Backend backend = Backends.Open("cpu");
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F32);
        double[] hidden = golden.PaddedTo(golden.Padded).WithoutPadding(
            GoldenCase.ReadExpected(GoldenEncoder.Folder)["hidden"]);
        Assert.That(
            LastComponent(model, golden.Sentences),
            Is.EqualTo(hidden.Chunk(model.Config.Width).Select(row => row[^1])).Within(Tolerance));
    }

    private static double[] LastComponent(XlmRoberta model, IReadOnlyList<int[]> sentences)
    {
        var rows = new EncoderRows();
        foreach (int[] tokens in sentences)
            rows.Add(tokens, new int[tokens.Length], tokens.Length, sample: 0);
        using var tape = new Tape(model.Backend);
        tape.BeginInference();
        double[] hidden = TestTensors.Read(model.Backend, model.Hidden(tape, rows.Upload(tape)).Value);
        return [.. hidden.Chunk(model.Config.Width).Select(row => row[^1])];
    }
}
