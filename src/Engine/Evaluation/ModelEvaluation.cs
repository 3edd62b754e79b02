using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;
using FastCpt.Kernels;

namespace FastCpt.Engine.Evaluation;

/// <summary>A model on a device, ready to be scored on texts.</summary>
public sealed class ModelEvaluation : IDisposable
{
    private readonly Backend _backend;
    private readonly Model _model;
    private readonly Lora? _lora;
    private readonly Tape _tape;
    private readonly TokenLosses _losses;
    private readonly int _context, _batchTokens;

    /// <param name="folder">Hugging Face folder, or a .bin file of llama2.c.</param>
    /// <param name="tokenizer">Folder or file.</param>
    /// <param name="context">Longest segment.</param>
    /// <param name="batchTokens">Rows of one forward pass; scores do not depend on it.</param>
    /// <param name="adapter">PEFT folder of an adapter of the model; null for none.</param>
    /// <param name="allowOtherBase">Only warn where the adapter was trained on other weights or another tokenizer.
    /// </param>
    public ModelEvaluation(
        string folder, string tokenizer, string device, int threads, Precision precision, int context, int batchTokens,
        Action<string> warn, string? adapter = null, bool allowOtherBase = false)
    {
        Tokenizer = Tokenizer.Load(tokenizer);
        _backend = Devices.Open(device, threads);
        (_context, _batchTokens) = (context, batchTokens);
        try
        {
            DType type = Precisions.ActivationType(Precisions.Resolve(precision));
            _model = Open(folder, type, warn);
            if (Tokenizer.VocabularySize > _model.Config.VocabularySize)
                throw new RunException(
                    ExitCode.ModelFile,
                    $"{folder}: the model knows {_model.Config.VocabularySize} pieces, its tokenizer {tokenizer} has "
                    + $"{Tokenizer.VocabularySize}. They may come from different models.");
            if (adapter is not null)
                _lora = OpenAdapter(adapter, folder, warn, allowOtherBase);
            _tape = new Tape(_backend);
            _losses = new TokenLosses(_backend, batchTokens);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Tokenizer Tokenizer { get; }

    /// <summary>What computes, such as "cpu avx2".</summary>
    public string Device => $"{_backend.Name} {_backend.InstructionSet}";

    /// <param name="maxDocuments">0 for all of the validation side.</param>
    public LanguageScore Measure(string language, TokenShard shard, int maxDocuments, ulong seed, StopSignal stop)
    {
        TokenMask? mask = _model is XlmRoberta ? TokenMask.Of(Tokenizer, seed) : null;
        ValidationSource source = ValidationText.Open(
            language, shard, _context, _batchTokens, maxDocuments, seed, mask);
        return Perplexity.Measure(_model, _tape, _losses, language, source, stop);
    }

    public void Dispose()
    {
        _losses?.Dispose();
        _tape?.Dispose();
        _lora?.Dispose();
        _model?.Dispose();
        _backend.Dispose();
    }

    private Model Open(string path, DType type, Action<string> warn)
    {
        if (path.EndsWith(".bin", StringComparison.OrdinalIgnoreCase))
            return Llama2cReader.Load(path, _backend, type, _context);
        using ModelFolder source = ModelFolder.Open(path, warn);
        return ModelLoader.Load(source, _backend, type, _context, warn);
    }

    private Lora OpenAdapter(string adapter, string folder, Action<string> warn, bool allowOtherBase)
    {
        using PeftFolder source = PeftFolder.Open(adapter, warn);
        if (AdapterState.Read(adapter) is { } state && Directory.Exists(folder))
            state.Require(
                adapter, AdapterState.HashesOf(folder), labels: null, Tokenizer.Sha256, allowOtherBase ? warn : null);
        Lora lora = source.Attach(_model, warn);
        lora.Parameters.Train(_ => false);
        return lora;
    }
}
