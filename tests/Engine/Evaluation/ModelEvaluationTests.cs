using System.Text;
using FastCpt.Engine;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;

namespace FastCpt.Tests.Engine.Evaluation;

/// <summary>Perplexity against plain computations, and what it must not depend on.</summary>
internal sealed class ModelEvaluationTests
{
    private ScoredModel _scored = null!; // SetUp makes it

    [OneTimeSetUp]
    public void SetUp() => _scored = new ScoredModel();

    [OneTimeTearDown]
    public void TearDown() => _scored.Dispose();

    [Test]
    public void Fact31_Perplexity_IsExpOfTheSumOverPredictedTokens()
    {
        (double nats, long tokens, long bytes) = ScoreAlone();
        LanguageScore score = _scored.Score(batchDocuments: 5);
        Assert.That(score.Tokens, Is.EqualTo(tokens), "the start of a document is not predicted, its end is");
        Assert.That(score.Bytes, Is.EqualTo(bytes));
        // The reference here computes in double; a token's loss in F32 is within some 1e-6 of it.
        Assert.That(score.SumNats, Is.EqualTo(nats).Within(1e-5 * nats));
        Assert.That(score.Perplexity, Is.EqualTo(Math.Exp(nats / tokens)).Within(1e-4 * score.Perplexity));
        Assert.That(score.BitsPerByte, Is.EqualTo(nats / Math.Log(2) / bytes).Within(1e-4 * score.BitsPerByte));
    }

    [Test]
    public void Fact31_AUniformModel_HasThePerplexityOfItsVocabulary()
    {
        using var uniform = new ScoredModel(model => TestTensors.Write(
            model.Backend, new double[model.Head.Value.Length], model.Head.Value));
        LanguageScore score = uniform.Score(batchDocuments: 3);
        // ln 259 is rounded to F32: 24 bits, times ln 259 = 5.6 in the exponent.
        Assert.That(score.Perplexity, Is.EqualTo(259).Within(259 * 6e-7));
    }

    [Test]
    public void Fact31_BatchSizeAndNeighbours_DoNotChangeOneBit([Values("cpu", "reference")] string device)
    {
        LanguageScore alone = _scored.Score(device);
        foreach (int documents in new[] { 2, 3, 16, 1000 })
            Assert.That(_scored.Score(device, batchDocuments: documents), Is.EqualTo(alone), $"{documents} documents");
    }

    [Test]
    public void Fault_E1_BatchOf1Or3Or16_AndOneOrTwoThreads_GiveTheSameBits()
    {
        LanguageScore first = _scored.Score(threads: 1, batchDocuments: 1);
        foreach (int documents in new[] { 1, 3, 16 })
            foreach (int threads in new[] { 1, 2, 3 })
                Assert.That(_scored.Score(threads: threads, batchDocuments: documents), Is.EqualTo(first),
                    $"{documents} documents, {threads} threads");
    }

    [Test]
    public void Measure_OfSomeDocuments_IsTheSameChoiceEveryTime()
    {
        LanguageScore some = _scored.Score(maxDocuments: 7);
        Assert.That(_scored.Score(batchDocuments: 4, maxDocuments: 7), Is.EqualTo(some));
        Assert.That(some.Tokens, Is.LessThan(_scored.Score().Tokens));
    }

    [Test]
    public void Measure_WhenAskedToStop_EndsResumable()
    {
        using ModelEvaluation evaluation = _scored.Open();
        using StopSignal stop = new(folder: null, _ => { });
        stop.RequestStop("SIGTERM");
        RunException? stopped = Assert.Throws<RunException>(
            () => evaluation.Measure(ScoredModel.Language, _scored.Shard, 0, 42, stop));
        Assert.That(stopped!.Code, Is.EqualTo(ExitCode.Resumable));
    }

    [Test]
    public void Measure_OfAModelThatIsNotFinite_EndsWith5()
    {
        using var broken = new ScoredModel(model => TestTensors.Write(
            model.Backend, [.. Enumerable.Repeat(double.NaN, (int)model.Head.Value.Length)], model.Head.Value));
        RunException? refused = Assert.Throws<RunException>(() => broken.Score());
        Assert.That(refused!.Code, Is.EqualTo(ExitCode.Numerics));
        Assert.That(refused.Message, Does.Contain("'xx'"));
    }

    /// <summary>Each document by itself on the reference backend in double, its text tokenised here.</summary>
    private (double Nats, long Tokens, long Bytes) ScoreAlone()
    {
        using Backend backend = Backends.Open("reference");
        using var model = (CausalModel)ModelLoader.Load(
            _scored.ModelFolder, backend, DType.F64, ScoredModel.Context, _ => { });
        using var tape = new Tape(backend);
        double nats = 0;
        long tokens = 0, bytes = 0;
        foreach (string text in _scored.Texts)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            // The tokenizer that the class trains has both ends.
            var ids = new List<int> { _scored.Tokenizer.Bos!.Value };
            _scored.Tokenizer.Encode(utf8, ids);
            ids.Add(_scored.Tokenizer.Eos!.Value);
            bytes += utf8.Length;
            for (int first = 0; first < ids.Count - 1; first += ScoredModel.Context)
            {
                int count = Math.Min(ScoredModel.Context, ids.Count - 1 - first);
                nats += Loss(model, tape, [.. ids.GetRange(first, count)], [.. ids.GetRange(first + 1, count)]);
                tokens += count;
            }
        }

        return (nats, tokens, bytes);
    }

    private static double Loss(CausalModel model, Tape tape, int[] ids, int[] targets)
    {
        tape.BeginInference();
        ModelInputs inputs = ModelInputs.Upload(
            tape, ids, [.. Enumerable.Range(0, ids.Length)], [0, ids.Length], targets);
        Tensor losses = tape.Take(DType.F64, new Shape(ids.Length));
        model.Losses(tape, inputs, 0, losses);
        return TestTensors.Read(model.Backend, losses).Sum();
    }
}
