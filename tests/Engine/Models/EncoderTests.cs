using FastCpt.Engine;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Kernels;

namespace FastCpt.Tests.Engine.Models;

/// <summary>Facts of lora-sharing.md, section 7, that are about the encoder, and its dropout.</summary>
public sealed class EncoderTests
{
    private const string Words = "roberta.embeddings.word_embeddings.weight";
    private const string Positions = "roberta.embeddings.position_embeddings.weight";

    private static IEnumerable<string> Devices =>
        Backends.List().Where(backend => backend.Reason is null).Select(backend => backend.Name);

    private static EncoderConfig Base { get; } = new()
    {
        VocabularySize = 250_002, Width = 768, Layers = 12, Heads = 12, InnerWidth = 3072, MaxPositions = 514,
        NormEpsilon = 1e-5f,
    };

    [Test]
    public void Fact12_FurtherPadding_DoesNotChangeRealTokens([ValueSource(nameof(Devices))] string device)
    {
        GoldenEncoder golden = GoldenEncoder.Read();
        using Backend backend = Backends.Open(device);
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F32);
        double[] packed = Logits(model, golden.Packed());
        foreach (int length in (int[])[golden.Padded, golden.Padded + 7])
        {
            EncoderRows rows = golden.PaddedTo(length);
            // The promise is 1e-5; without padding in any product the bits are the same.
            Assert.That(rows.WithoutPadding(Logits(model, rows)), Is.EqualTo(packed));
        }
    }

    [Test]
    public void Sentence_HasTheBitsThatItHasAlone([ValueSource(nameof(Devices))] string device)
    {
        GoldenEncoder golden = GoldenEncoder.Read();
        using Backend backend = Backends.Open(device);
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F32);
        double[] together = Logits(model, golden.Packed());
        double[] alone = [.. Enumerable.Range(0, golden.Rows).SelectMany(row => Logits(model, golden.Alone(row)))];
        Assert.That(alone, Is.EqualTo(together));
    }

    [Test]
    public void Fact13_FirstTokenHasPosition2_AndNoMoreThan512AreSeen()
    {
        using Backend backend = Backends.Open("reference");
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F64);
        Assert.That(model.Config.FirstPosition, Is.EqualTo(2));
        Assert.That(Base.LongestSegment, Is.EqualTo(512));
        Dictionary<string, double[]> gradients = Gradients(model, GoldenEncoder.Read().PaddedTo(20));
        int width = model.Config.Width, used = GoldenEncoder.Read().Padded;
        double[] rows = [.. gradients[Positions].Chunk(width).Select(row => row.Max(Math.Abs))];
        Assert.That(rows[..2], Is.All.Zero);
        Assert.That(rows[2..(2 + used)], Is.All.GreaterThan(0));
        Assert.That(rows[(2 + used)..], Is.All.Zero);

        using var tape = new Tape(backend);
        tape.BeginInference();
        var tooLong = new EncoderRows();
        tooLong.Add(new int[21], new int[21], 21, sample: 0);
        Assert.That(() => model.Hidden(tape, tooLong.Upload(tape)), Throws.ArgumentException);
        Assert.That(
            () => new XlmRoberta(Base with { Layers = 1, VocabularySize = 5 }, backend, DType.F32, positions: 513),
            Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void Fact13_LoaderRefusesMorePositionsThanTheFolderHas()
    {
        using Backend backend = Backends.Open("reference");
        RunException? refused = Assert.Throws<RunException>(
            () => ModelLoader.Load(GoldenEncoder.Folder, backend, DType.F32, positions: 21, _ => { }));
        Assert.That(refused!.Message, Does.Contain("20 positions").And.Contain("21"));
    }

    [Test]
    public void Fact14_ParameterCounts_AreThePublishedOnes()
    {
        long encoder = ParameterLayout.Count(Base);
        Assert.That(encoder, Is.EqualTo(277_453_056));
        Assert.That(encoder + Base.PoolerCount, Is.EqualTo(278_043_648));
        Assert.That(
            ParameterLayout.Of(Base).Where(parameter => parameter.Name.Contains(".embeddings."))
                .Sum(parameter => parameter.Shape.Length),
            Is.EqualTo(192_398_592));
        Assert.That(
            ParameterLayout.Of(Base).Where(parameter => parameter.Name.Contains(".layer.11."))
                .Sum(parameter => parameter.Shape.Length),
            Is.EqualTo(7_087_872));
        using Backend backend = Backends.Open("reference");
        using var head = new TokenClassifier(backend, DType.F32, Base.Width, labels: 111);
        Assert.That(head.Parameters.Count, Is.EqualTo(85_359));
        Assert.That(encoder + head.Parameters.Count, Is.EqualTo(277_538_415));
    }

    [Test]
    public void PaddingRows_TakeNoGradient_FromWhereTheyAreLookedUp()
    {
        using Backend backend = Backends.Open("reference");
        using XlmRoberta model = GoldenEncoder.Load(backend, DType.F64);
        using var head = new TokenClassifier(backend, DType.F64, model.Config.Width, labels: 3);
        head.Draw(seed: 1, deviation: 0.5f);
        // Here the padding id is a token like others of its sentence.
        var rows = new EncoderRows();
        rows.Add([0, 1, 7, 1, 2], [-1, 0, 1, 2, -1], 5, sample: 0);
        model.Parameters.Train(_ => true);
        model.Parameters.ClearGradients();
        using var tape = new Tape(backend, poison: true);
        tape.BeginTraining();
        Tensor losses = tape.Take(DType.F64, new Shape(rows.Count));
        TokenClassifier.Losses(
            tape, model, rows.Upload(tape), [new ClassifierGroup(head, new RowRange(0, rows.Count), 1)], dropout: 0,
            losses);
        tape.Backward();
        double[][] words = [.. TestTensors.Read(backend, model.Parameters[Words].Gradient).Chunk(model.Config.Width)];
        Assert.That(words[1], Is.All.Zero);
        Assert.That(words[7], Is.Not.All.Zero);
        Assert.That(words[0], Is.Not.All.Zero);
    }

    [Test]
    public void FreshModel_HasNormalMatrices_IdentityNorms_AndNoBiases()
    {
        using Backend backend = Backends.Open("cpu");
        EncoderConfig config = Base with
        {
            VocabularySize = 300, Layers = 1, Width = 48, Heads = 4, InnerWidth = 64, HasMaskedHead = true,
        };
        using var model = new XlmRoberta(config, backend, DType.F32, positions: 16);
        ModelInitializer.Draw(model, seed: 4);
        foreach (Parameter parameter in model.Parameters.All)
        {
            double[] values = TestTensors.Read(backend, parameter.Value);
            if (parameter.Name.EndsWith("orm.weight", StringComparison.Ordinal))
                Assert.That(values, Is.All.EqualTo(1), parameter.Name);
            else if (parameter.Name.EndsWith("bias", StringComparison.Ordinal))
                Assert.That(values, Is.All.Zero, parameter.Name);
            else if (values.Length > 1000)
                // The deviation of n numbers is off by 1 in √(2 n): four times that.
                Assert.That(
                    Math.Sqrt(values.Sum(value => value * value) / values.Length),
                    Is.EqualTo(0.02).Within(0.02 * 4 / Math.Sqrt(2 * values.Length) + 0.02 / values.Length * 48),
                    parameter.Name);
        }

        Assert.That(TestTensors.Read(backend, model.Parameters[Words].Value.Slice(1, 1)), Is.All.Zero);
    }

    private static double[] Logits(XlmRoberta model, EncoderRows rows)
    {
        using var tape = new Tape(model.Backend, poison: true);
        tape.BeginInference();
        Tensor logits = tape.Take(model.Parameters.Type, new Shape(rows.Count, model.Config.VocabularySize));
        model.Logits(tape, rows.Upload(tape), firstRow: 0, logits);
        return TestTensors.Read(model.Backend, logits);
    }

    private static Dictionary<string, double[]> Gradients(XlmRoberta model, EncoderRows rows)
    {
        model.Parameters.Train(_ => true);
        model.Parameters.ClearGradients();
        using var tape = new Tape(model.Backend, poison: true);
        tape.BeginTraining();
        Tensor losses = tape.Take(DType.F64, new Shape(rows.Count));
        model.Losses(tape, rows.Upload(tape), 1f / rows.Predicted, losses);
        tape.Backward();
        return model.Parameters.All.ToDictionary(
            parameter => parameter.Name, parameter => TestTensors.Read(model.Backend, parameter.Gradient));
    }
}
