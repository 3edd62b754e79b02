using System.Text;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;
using FastCpt.Kernels;
using FastCpt.Tests.Engine.Models;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Evaluation;

/// <summary>A tiny model in a folder, a tokenizer of bytes, and a shard of documents of very unequal length.</summary>
internal sealed class ScoredModel : IDisposable
{
    public const int Context = 48;
    public const string Language = "xx";

    private readonly TestFolder _folder = new();

    public ScoredModel(Action<CausalModel>? change = null)
    {
        Texts = [.. Enumerable.Range(0, 40).Select(i => $"dokument {i} {new string("ščž"[i % 3], i * i * 7 % 23)}.")];
        Tokenizer = WriteTokenizer();
        using Backend backend = Backends.Open("reference");
        using CausalModel model = TinyModels.Create(
            TinyModels.Config(Architecture.Llama, tied: false) with
            {
                VocabularySize = Tokenizer.VocabularySize, MaxPositions = Context,
                AttentionScale = (float)(1 / Math.Sqrt(6)),
            },
            backend, DType.F32);
        change?.Invoke(model);
        ModelSaver.Save(ModelFolder, model, DType.F32);
        string file = _folder.At("xx.jsonl");
        File.WriteAllLines(file, Texts.Select(text => $$"""{"text":"{{text}}"}"""));
        // A held-out language is all validation.
        Shard = new ShardFolder(_folder.At("shards"), Tokenizer, int.MaxValue, _ => { }, Stop, threads: 1)
            .Open(new LanguageText(Language, [file], HeldOut: true));
    }

    public IReadOnlyList<string> Texts { get; }

    public Tokenizer Tokenizer { get; }

    public TokenShard Shard { get; }

    public string ModelFolder => _folder.At("model");

    private static StopSignal Stop => new(folder: null, _ => { });

    public ModelEvaluation Open(string device = "cpu", int threads = 1, int batchDocuments = 1) => new(
        ModelFolder, _folder.At("tokenizer"), device, threads, Precision.Fp32, Context,
        batchDocuments * Context, _ => { });

    public LanguageScore Score(string device = "cpu", int threads = 1, int batchDocuments = 1, int maxDocuments = 0)
    {
        using ModelEvaluation evaluation = Open(device, threads, batchDocuments);
        using StopSignal stop = Stop;
        return evaluation.Measure(Language, Shard, maxDocuments, seed: 42, stop);
    }

    public void Dispose()
    {
        Shard.Dispose();
        _folder.Dispose();
    }

    /// <summary>256 bytes, of which each is a piece, and the three special tokens.</summary>
    private Tokenizer WriteTokenizer()
    {
        TrainedTokenizer trained = BpeTrainer.Train(
            Texts.Select(text => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(text)),
            new BpeTrainerOptions { VocabularySize = 259 });
        Directory.CreateDirectory(_folder.At("tokenizer"));
        File.WriteAllBytes(_folder.At("tokenizer/tokenizer.json"), trained.TokenizerJson);
        File.WriteAllBytes(_folder.At("tokenizer/tokenizer_config.json"), trained.TokenizerConfig);
        return Tokenizer.Load(_folder.At("tokenizer"));
    }
}
