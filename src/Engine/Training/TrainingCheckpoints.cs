using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Training;

/// <summary>Saves and restores all that a run consists of: weights, optimizer, progress.</summary>
/// <remarks>
/// A checkpoint is a Hugging Face folder by itself, with the optimizer's tensors and a manifest beside.
/// </remarks>
public sealed class TrainingCheckpoints
{
    private readonly CheckpointStore _store;
    private readonly RunConfig _config;
    private readonly CausalModel _model;
    private readonly AdamW _optimizer;
    private readonly RunLog _log;
    private readonly int _attempt;
    private readonly string _configSha256;
    private TrainingProgress? _saved;
    private long? _parentStep;

    /// <param name="held">The lock of the run's folder.</param>
    /// <param name="files">Tests put one in that fails or kills.</param>
    public TrainingCheckpoints(
        RunConfig config, RunLock held, CausalModel model, AdamW optimizer, int attempt, RunLog log, FileSystem files)
    {
        (_config, _model, _optimizer, _attempt, _log) = (config, model, optimizer, attempt, log);
        _configSha256 = ResumePolicy.Fingerprint(config);
        var retention = new CheckpointRetention(
            Math.Max(1, config.Training.SaveTotalLimit), Best: config.Training.EarlyStopping is not null);
        _store = new CheckpointStore(Path.Combine(config.OutputDir, "checkpoints"), held, retention, log.Say, files);
    }

    /// <summary>Saves the state between two updates.</summary>
    /// <remarks>Of a step that is saved already only what is known of it changes: an evaluation came after.</remarks>
    /// <exception cref="RunException">Exit 6: nothing was saved, what was there is unchanged.</exception>
    public void Save(TrainingProgress progress)
    {
        if (progress == _saved)
            return;
        CheckpointFacts facts = Facts(progress);
        if (progress.Step == _saved?.Step)
        {
            _store.Restate(progress.Step, facts);
        }
        else
        {
            Checkpoint checkpoint = _store.Save(progress.Step, output => WriteTo(output, facts));
            _log.Say($"saved step {progress.Step}");
            if (!checkpoint.Facts.IsHealthy)
                _log.Warn($"{checkpoint.Path}: weights or moments are not finite; training does not go on from it.");
        }

        _saved = progress;
    }

    /// <summary>Goes back to the newest whole checkpoint; null where there is none.</summary>
    /// <exception cref="RunException">Exit 4: there are checkpoints, but none can be used.</exception>
    public TrainingProgress? Restore()
    {
        if (_store.OpenNewest(isRequired: false, healthyOnly: true) is not { } checkpoint)
            return null;
        if (checkpoint.Facts.ConfigSha256 != _configSha256)
            throw new RunException(
                ExitCode.Config,
                $"{checkpoint.Path}: was made with another configuration than this. Restore it, or choose another "
                + "output_dir for a run of its own.");
        FillWeights(checkpoint.Path);
        OptimizerFile.Read(checkpoint.Path, _optimizer, _model.Backend, _log.Say);
        if (checkpoint.Facts.Device != Device)
            _log.Warn($"{checkpoint.Path}: was computed by {checkpoint.Facts.Device}, this is {Device}: from here on "
                + "losses may differ in their last digits from those of a run that was not moved.");
        _parentStep = checkpoint.Step;
        return _saved = TrainingProgress.Read(checkpoint.State, checkpoint.Path);
    }

    /// <summary>Takes back the weights, and the masters, of a step that is kept as the best.</summary>
    /// <exception cref="RunException">Exit 4: the checkpoint is not there or damaged.</exception>
    public void RestoreWeights(long step)
    {
        string path = _store.PathOf(step);
        FillWeights(path);
        OptimizerFile.Read(path, _optimizer, _model.Backend, _log.Say);
    }

    private string Device => $"{_model.Backend.Name} {_model.Backend.InstructionSet}";

    private CheckpointFacts Facts(TrainingProgress progress) => new()
    {
        RunId = Path.GetFileName(_config.OutputDir),
        Attempt = _attempt,
        Tokens = progress.Tokens,
        ConfigSha256 = _configSha256,
        ToolVersion = ToolVersion.Text,
        Device = Device,
        ParentStep = _parentStep,
        Metric = progress.BestStep == progress.Step && progress.Step > 0 ? progress.BestLoss : null,
        WriteState = progress.Write,
    };

    private CheckpointFacts WriteTo(FolderWriter output, CheckpointFacts facts)
    {
        long nonFinite = ModelSaver.Write(output, _model, _model.Parameters.Type)
            + OptimizerFile.Write(output, _optimizer, _model.Backend);
        CompanionFiles.Copy(_config, output);
        return facts with { AreParametersFinite = nonFinite == 0 };
    }

    private void FillWeights(string path)
    {
        using ModelFolder folder = ModelFolder.Open(path, _log.Say);
        using var reader = new WeightReader(folder, _model.Backend);
        foreach (Parameter parameter in _model.Parameters.All)
            if (reader.Fill(parameter.Name, parameter.Value) is > 0 and var count)
                throw new RunException(
                    ExitCode.ModelFile,
                    $"{path}: {count} numbers of '{parameter.Name}' are not finite. Training does not go on from it.");
    }
}
