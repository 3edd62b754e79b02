using FastCpt.Engine.Config;
using FastCpt.Engine.Data;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Tokenizers;

namespace FastCpt.Engine.Training;

/// <summary>The texts of a run: batches to train on, and what is evaluated on the way.</summary>
internal sealed class TrainingData : IDisposable
{
    private readonly List<TokenShard> _shards = [];

    public TrainingData(
        RunConfig config, ModelConfig model, TrainingOptions options, Tokenizer tokenizer, RunLog log)
    {
        DataConfig data = config.Data;
        bool isMasked = model is EncoderConfig;
        if (isMasked)
            RequireSentences(data);
        TrainingConfig training = config.Training;
        var corpora = new Corpora(
            data, options.ShardFolder ?? Path.Combine(config.OutputDir, "shards"), tokenizer, log.Say, options.Stop,
            config.Threads, options.Files);
        int batchTokens = training.BatchSize * data.MaxSeqLength;
        var parts = new List<MixturePart>();
        foreach (LanguageConfig language in data.Languages)
        {
            TokenShard shard = corpora.Open(language);
            _shards.Add(shard);
            parts.Add(new MixturePart(
                language.Name,
                isMasked
                    ? new SentenceRows(shard, shard.Training, data.MaxSeqLength)
                    : PackedRows.Of(data.Packing, shard, shard.Training, data.MaxSeqLength),
                language.Weight ?? 1));
            Texts.Add(language.Name, Path.GetFileNameWithoutExtension(shard.Path));
            if (training.EvalSteps > 0 && data.ValidationShare > 0 && shard.Validation.Count == 0)
                throw new RunException(
                    ExitCode.Config,
                    $"data.languages.{language.Name}: none of its {shard.Training.Count} documents is on the "
                    + $"validation side of {data.ValidationShare}. Raise data.validation_share, add text, or turn "
                    + "evaluation off with training.eval_steps: 0.");
        }

        // Without weights it is the paper's plain concatenation: every row once an epoch.
        bool weighed = data.Languages.Any(language => language.Weight is not null);
        Mixture mixture = weighed ? Mixture.Weigh(parts, config.Seed) : Mixture.Concatenate(parts, config.Seed);
        Batches = new BatchSource(
            mixture, training.BatchSize, training.GradientAccumulationSteps,
            isMasked ? TokenMask.Of(tokenizer, config.Seed) : null);
        // What evaluations hide does not depend on the run's seed, so that runs of several can be compared.
        TokenMask? mask = isMasked ? TokenMask.Of(tokenizer, data.SplitSeed) : null;
        Validation = training.EvalSteps > 0 ? ValidationParts(config, batchTokens, mask) : [];
        if (training.EarlyStopping is not null && Validation.Count == 0)
            throw new RunException(
                ExitCode.Config,
                "training.early_stopping: it judges evaluations, but data.validation_share is 0.");
        RowTokens = data.MaxSeqLength;
        LargestBatch = batchTokens;
    }

    public BatchSource Batches { get; }

    /// <summary>By language, a name that holds the hash of its text and of how it was cut.</summary>
    public Dictionary<string, string> Texts { get; } = [];

    /// <summary>Empty where nothing is evaluated while training.</summary>
    public IReadOnlyList<ValidationPart> Validation { get; }

    /// <summary>Longest row, T.</summary>
    public int RowTokens { get; }

    /// <summary>The most rows of a batch, of training or validation.</summary>
    public int LargestBatch { get; }

    /// <summary>Languages without a chosen document are left out.</summary>
    private IReadOnlyList<ValidationPart> ValidationParts(RunConfig config, int batchTokens, TokenMask? mask)
    {
        IReadOnlyList<IReadOnlyList<DocumentTokens>> chosen = ValidationText.OverAll(
            [.. _shards.Select(shard => shard.Validation)], config.Training.EvalDocuments,
            config.Data.SplitSeed);
        return [.. config.Data.Languages
            .Select((language, i) => (language.Name, Shard: _shards[i], Documents: chosen[i]))
            .Where(part => part.Documents.Count > 0)
            .Select(part => new ValidationPart(part.Name, new ValidationSource(
                part.Name, part.Shard, part.Documents, config.Data.MaxSeqLength, batchTokens, mask)))];
    }

    private static void RequireSentences(DataConfig data)
    {
        if (data.Packing == PackingMode.Wrapped)
            throw new RunException(
                ExitCode.Config, "data.packing: wrapped rows cut documents; an encoder reads them isolated.");
        if (data.MaxSeqLength < 3)
            throw new RunException(
                ExitCode.Config,
                $"data.max_seq_length: {data.MaxSeqLength} leaves no room between the two ends of a sentence.");
    }

    public void Dispose()
    {
        foreach (TokenShard shard in _shards)
            shard.Dispose();
        _shards.Clear();
    }
}
