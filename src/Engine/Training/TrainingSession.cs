using System.Globalization;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;
using FastCpt.Engine.Tokenizers;
using FastCpt.Kernels;
using FastCpt.Kernels.Profiling;

namespace FastCpt.Engine.Training;

/// <summary>Everything that one training run holds open: device, texts, model, optimizer.</summary>
internal sealed class TrainingSession : IDisposable
{
    private readonly RunConfig _config;
    private readonly TrainingOptions _options;
    private readonly RunLog _log;
    private readonly Tokenizer _tokenizer;
    private readonly OpProfile _ops = new();
    private readonly Backend _backend;
    private readonly TrainingData _data;
    private readonly Model _model;
    private readonly RunAdapter? _adapter;
    private readonly Alignments? _alignments;
    private readonly FrozenWeights _frozen;
    private readonly AdamW _optimizer;

    public TrainingSession(RunConfig config, TrainingOptions options, RunLog log)
    {
        (_config, _options, _log) = (config, options, log);
        _tokenizer = Tokenizer.Load(config.Tokenizer!); // the reader has filled it in
        _backend = Devices.Open(config.Device, config.Threads);
        if (options.Profile)
            _backend = new ProfilingBackend(_backend, _ops);
        try
        {
            _data = new TrainingData(config, ModelConfigOf(), options, _tokenizer, log);
            _model = OpenModel();
            if (config.Adapter is null)
                _alignments = new Alignments(config, _model, log.Say, options.Stop);
            else
                _adapter = new RunAdapter(config, _model);
            _frozen = new FrozenWeights(_model.Parameters);
            TrainingConfig training = config.Training;
            _optimizer = new AdamW(
                _adapter?.Lora.Parameters ?? _model.Parameters,
                new AdamWSettings(
                    (float)training.AdamBeta1, (float)training.AdamBeta2, (float)training.AdamEpsilon,
                    (float)training.WeightDecay, (float)training.MaxGradNorm),
                parameter => _alignments?.PullOn(parameter) ?? default,
                masters: config.Precision != Precision.PureBf16);
            FillMasters();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What is trained, with its state.</summary>
    public AdamW Optimizer => _optimizer;

    /// <summary>Writes run.json, and says what is trained.</summary>
    /// <exception cref="RunException">Exit 3: an earlier attempt had other input.</exception>
    public void Record(int attempt)
    {
        IReadOnlyDictionary<string, string> inputs = RunInputs.Of(_config, _tokenizer, _data.Texts);
        RunRecord.RequireSameInputs(_config.OutputDir, inputs);
        Parameter[] all = [.. _model.Parameters.All, .. _adapter?.Lora.Parameters.All ?? []];
        RunRecord.SaveParameters(
            _config.OutputDir, all,
            parameter => _alignments?.Treatment(parameter) ?? (parameter.IsTrained ? "trained" : "frozen"),
            _options.Files);
        RunRecord.Save(
            _config.OutputDir, _config, attempt, $"{_backend.Name} {_backend.InstructionSet}", _backend.Threads,
            inputs, _options.Files);
        if (_backend.Caveat is { } caveat)
            _log.Warn($"{_backend.Name}: {caveat}");
        long trained = _optimizer.Parameters.Trained.Sum(parameter => parameter.Value.Length);
        _log.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"{all.Sum(parameter => parameter.Value.Length)} parameters, {trained} trained; "
            + $"{_data.RowTokens} tokens a row; "
            + $"{_backend.Name} {_backend.InstructionSet}, {_backend.Threads} threads, "
            + $"{EnumWord.Of(_config.Precision)}"));
    }

    /// <param name="held">The lock of the run's folder.</param>
    public void Train(RunLock held, int attempt)
    {
        TrainingConfig training = _config.Training;
        using var checkpoints = new TrainingCheckpoints(
            _config, held, _model, _optimizer, attempt, _log, _options, _adapter);
        TrainingProgress progress = checkpoints.Restore() ?? new TrainingProgress();
        if (progress.Step > 0 && _frozen.FirstMoved() is { } other)
            throw new RunException(
                ExitCode.ModelFile,
                $"{_config.OutputDir}: the checkpoint of step {progress.Step} has other values than the base for "
                + $"'{other}', which is frozen. It was made from another base.");
        if (progress.Step > 0)
            _log.Say($"going on from step {progress.Step}");
        using var packed = new PackedWeights(_model.Parameters, _model.Linears, _data.LargestBatch);
        if (packed.Bytes > 0)
            _log.Say($"frozen weights are packed once: {packed.Bytes >> 20} MiB");
        using var tape = new Tape(_backend);
        using var losses = new TokenLosses(_backend, _data.LargestBatch);
        var trainer = new Trainer(
            _model, tape, losses, _optimizer, _data.Batches, _data.Validation, training, _config.Seed,
            Schedule(training),
            checkpoints, progress, _backend.MeasurePeakFlops(Precisions.ActivationType(_config.Precision)), _log,
            _options,
            _options.Profile ? new StepProfile(_ops, _backend, _config.OutputDir, _log) : null);
        TrainingEnd end = trainer.Run();
        if (end == TrainingEnd.StoppedEarly)
            _log.Say($"stopped early at step {trainer.Progress.Step}: no clear improvement since step "
                + $"{trainer.Progress.BestStep}");
        if (training.EarlyStopping is not null && trainer.Progress.BestStep < trainer.Progress.Step)
            checkpoints.RestoreWeights(trainer.Progress.BestStep);
        SaveFinal(trainer.Progress);
    }

    public void Dispose()
    {
        _optimizer?.Dispose();
        _alignments?.Dispose();
        _adapter?.Dispose();
        _model?.Dispose();
        _data?.Dispose();
        _backend.Dispose();
    }

    private Schedule Schedule(TrainingConfig training)
    {
        long steps = training.MaxSteps > 0 ? training.MaxSteps : _data.Batches.StepsFor(training.MaxTokens);
        ScheduleKind kind = training.Scheduler switch
        {
            Scheduler.Cosine => ScheduleKind.Cosine,
            Scheduler.Linear => ScheduleKind.Linear,
            Scheduler.Constant => ScheduleKind.Constant,
            _ => ScheduleKind.WarmupStableDecay,
        };
        return new Schedule(
            kind, training.LearningRate, training.MinLearningRate, training.WarmupSteps, steps, training.DecaySteps);
    }

    private Model OpenModel()
    {
        DType type = Precisions.ActivationType(_config.Precision);
        if (_config.Model.Path is { } path)
        {
            using ModelFolder folder = ModelFolder.Open(path, _log.Warn);
            RequireVocabulary(folder.Config, path);
            return ModelLoader.Load(folder, _backend, type, _data.RowTokens, _log.Warn, _options.Stop);
        }

        ModelConfig config = ModelConfigOf();
        RequireVocabulary(config, "model");
        Model model = ModelFactory.Create(config, _backend, type, _data.RowTokens);
        ModelInitializer.Draw(model, _config.Seed);
        return model;
    }

    private ModelConfig ModelConfigOf() => _config.Model.Path is { } path
        ? ModelConfigReader.Read(path).Config
        : ModelRecipe.ToConfig(_config.Model, _tokenizer);

    /// <summary>Masters begin with what the folder holds, not with its BF16 rounding.</summary>
    private void FillMasters()
    {
        if (_adapter is not null || _config.Model.Path is not { } path
            || !_optimizer.States.Any(state => state.HasMaster))
            return;
        using ModelFolder folder = ModelFolder.Open(path, _log.Say);
        using var reader = new WeightReader(folder, _backend);
        foreach (AdamW.State state in _optimizer.States)
            reader.Fill(state.Parameter.Name, state.Master);
    }

    private void RequireVocabulary(ModelConfig config, string where)
    {
        if (_tokenizer.VocabularySize > config.VocabularySize)
            throw new RunException(
                ExitCode.Config,
                $"{where}: the model knows {config.VocabularySize} pieces, but the tokenizer {_config.Tokenizer} has "
                + $"{_tokenizer.VocabularySize}. They may come from different models.");
        if (_data.RowTokens > config.LongestSegment)
            throw new RunException(
                ExitCode.Config,
                $"{where}: the model sees {config.LongestSegment} positions, but data.max_seq_length is "
                + $"{_data.RowTokens}.");
    }

    private void SaveFinal(in TrainingProgress progress)
    {
        if (_frozen.FirstMoved() is { } moved)
            throw new RunException(
                ExitCode.CheckFailed,
                $"{_config.OutputDir}: '{moved}' is frozen, but its values changed while training. No model is "
                + "written. Look for a fault of the memory; without one it is a fault of this program.");
        string final = Path.Combine(_config.OutputDir, TrainingRun.FinalFolderName);
        using var output = new FolderWriter(final, _options.Files) { KeepsDigests = false };
        if (WriteFinal(output, progress) is > 0 and var count)
            throw new RunException(
                ExitCode.Numerics,
                $"{final}: {count} numbers of the trained model are not finite in the type that they are stored in. No "
                + "model is written. Lower the learning rate, or start from a base stored in F32 or BF16.");
        if (_adapter is null)
            CompanionFiles.Copy(_config, output);
        output.Complete();
    }

    /// <returns>How many numbers are NaN or infinite.</returns>
    private long WriteFinal(FolderWriter output, in TrainingProgress progress)
    {
        Dictionary<Parameter, Tensor> masters = _optimizer.States.ToDictionary(
            state => state.Parameter, state => state.Master);
        if (_adapter is not null)
            return _adapter.WriteFinal(output, parameter => masters[parameter], progress);
        if (_config.Model.Path is not { } path)
            return ModelSaver.Write(
                output, _model, _model.Parameters.Type,
                values: parameter => masters.GetValueOrDefault(parameter, parameter.Value));
        using ModelFolder origin = ModelFolder.Open(path, _ => { });    // what is odd was said when it was loaded
        long nonFinite = ModelSaver.WriteTrained(output, _model, origin, parameter => masters[parameter]);
        if (_model.Parameters.All.Any(parameter => !parameter.IsTrained))
            RunRecord.RequireSameBase(_config.OutputDir, path, RunInputs.OfBase(path));
        return nonFinite;
    }
}
