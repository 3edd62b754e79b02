using System.Collections.Concurrent;
using System.Globalization;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Engine.Parameters;

namespace FastCpt.Engine.Training;

/// <summary>Saves and restores all that a run consists of: weights, optimizer, progress.</summary>
/// <remarks>
/// A checkpoint is a Hugging Face folder by itself, with the optimizer's tensors and a manifest beside. Where it is
/// asked for, its files are copied in memory and written by a thread of their own; a second save waits for the first,
/// and how it ended shows in <see cref="Poll"/>, at the next step.
/// </remarks>
public sealed class TrainingCheckpoints : IDisposable
{
    private const double AssumedBytesPerSecond = 1e8;

    private readonly CheckpointStore _store;
    private readonly RunConfig _config;
    private readonly Model _model;
    private readonly AdamW _optimizer;
    private readonly RunAdapter? _adapter;
    private readonly RunLog _log;
    private readonly TimeProvider _time;
    private readonly int _attempt;
    private readonly string _configSha256;
    private readonly ConcurrentQueue<string> _said = new();
    private readonly StagedFolder? _staged;
    private (Task<(Checkpoint Saved, TimeSpan Time)> Task, TrainingProgress Progress, bool IsRequired)? _pending;
    private TrainingProgress? _saved;
    private long? _parentStep;
    private int _failures;

    /// <param name="held">The lock of the run's folder.</param>
    /// <param name="adapter">What is saved in place of the model.</param>
    /// <exception cref="RunException">Exit 6: the disk cannot hold a checkpoint.</exception>
    public TrainingCheckpoints(
        RunConfig config, RunLock held, Model model, AdamW optimizer, int attempt, RunLog log,
        TrainingOptions options, RunAdapter? adapter = null)
    {
        _adapter = adapter;
        (_config, _model, _optimizer, _attempt, _log) = (config, model, optimizer, attempt, log);
        _time = options.Time;
        _configSha256 = ResumePolicy.Fingerprint(config);
        TrainingConfig training = config.Training;
        var retention = new CheckpointRetention(
            Math.Max(1, training.SaveTotalLimit), Best: training.EarlyStopping is not null);
        string folder = Path.Combine(config.OutputDir, "checkpoints");
        _staged = training.SaveAsync ? new StagedFolder(folder) : null;
        _store = new CheckpointStore(folder, held, retention, _said.Enqueue, options.Files);
        long bytes = optimizer.Parameters.All.Sum(parameter => parameter.Value.Bytes) + OptimizerFile.Bytes(optimizer);
        SaveTime = TimeSpan.FromSeconds(bytes / AssumedBytesPerSecond);
        _log.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"a checkpoint has {bytes / (double)(1 << 20):F0} MiB; saving may take {SaveTime.TotalSeconds:F0} s"));
        Tell(() => _store.RequireSpace(bytes));
    }

    /// <summary>Of the last save, from the first file to the last; an assumption before the first.</summary>
    public TimeSpan SaveTime { get; private set; }

    /// <summary>Saves the state between two updates.</summary>
    /// <remarks>Of a step that is saved already only what is known of it changes: an evaluation came after.</remarks>
    /// <param name="isRequired">Whether a failure ends the run even where max_save_errors tolerates some.</param>
    /// <exception cref="RunException">Exit 6: nothing was saved, what was there is unchanged.</exception>
    public void Save(TrainingProgress progress, bool isRequired)
    {
        Finish();
        if (_saved is { } saved && progress.IsSame(saved))
            return;
        CheckpointFacts facts = Facts(progress);
        if (progress.Step == _saved?.Step)
        {
            Tolerate(isRequired, () =>
            {
                Tell(() => _store.Restate(progress.Step, facts));
                (_saved, _failures) = (progress, 0);
            });
            return;
        }

        Func<FolderOutput, CheckpointFacts> content = output => WriteTo(output, facts);
        if (_staged is not null)
        {
            _staged.Clear();
            CheckpointFacts staged = facts;
            if (!Tolerate(isRequired, () => staged = WriteTo(_staged, facts)))
                return;
            content = output =>
            {
                _staged.WriteTo(output);
                return staged;
            };
        }

        Task<(Checkpoint, TimeSpan)> task = new(
            () =>
            {
                long start = _time.GetTimestamp();
                Checkpoint saved = _store.Save(progress.Step, output => content(output));
                return (saved, _time.GetElapsedTime(start));
            },
            TaskCreationOptions.LongRunning);
        _pending = (task, progress, isRequired);
        if (_staged is not null)
        {
            task.Start(TaskScheduler.Default);
            return;
        }

        task.RunSynchronously();
        Finish();
    }

    /// <summary>Takes up how a save on its own thread ended, if it has.</summary>
    /// <exception cref="RunException">Exit 6: it failed, and is not tolerated.</exception>
    public void Poll()
    {
        if (_pending is { Task.IsCompleted: true })
            Finish();
    }

    /// <summary>Waits for the save that is under way.</summary>
    /// <exception cref="RunException">Exit 6: it failed, and is not tolerated.</exception>
    public void Finish()
    {
        if (_pending is not { } pending)
            return;
        _pending = null;
        Tolerate(pending.IsRequired, () =>
        {
            Checkpoint? saved = null;
            Tell(() => (saved, SaveTime) = pending.Task.GetAwaiter().GetResult());
            (_saved, _failures) = (pending.Progress, 0);
            _log.Say($"saved step {pending.Progress.Step}");
            if (saved is { Facts.IsHealthy: false })
                _log.Warn($"{saved.Path}: weights or moments are not finite; training does not go on from it.");
        });
    }

    /// <summary>Goes back to the newest whole checkpoint; null where there is none.</summary>
    /// <exception cref="RunException">Exit 4: there are checkpoints, but none can be used.</exception>
    public TrainingProgress? Restore()
    {
        Finish();
        Checkpoint? checkpoint = null;
        Tell(() => checkpoint = _store.OpenNewest(isRequired: false, healthyOnly: true));
        if (checkpoint is null)
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

    /// <summary>Waits for the save that is under way; how it ends no longer decides anything.</summary>
    public void Dispose()
    {
        try
        {
            Finish();
        }
        catch (RunException exception)
        {
            _log.Warn(exception.Message);
        }
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

    private CheckpointFacts WriteTo(FolderOutput output, CheckpointFacts facts)
    {
        long nonFinite = OptimizerFile.Write(output, _optimizer, _model.Backend);
        if (_adapter is not null)
        {
            nonFinite += _adapter.Write(output, parameter => parameter.Value, _model.Parameters.Type);
        }
        else
        {
            nonFinite += ModelSaver.Write(output, _model, _model.Parameters.Type);
            CompanionFiles.Copy(_config, output);
        }

        return facts with { AreParametersFinite = nonFinite == 0 };
    }

    /// <summary>Uses the store, and says here what it has to say: it may have been used on another thread.</summary>
    private void Tell(Action use)
    {
        try
        {
            use();
        }
        finally
        {
            while (_said.TryDequeue(out string? line))
                _log.Say(line);
        }
    }

    /// <summary>Does a part of saving; where it fails, and that is tolerated, says so.</summary>
    /// <returns>Whether it was done.</returns>
    private bool Tolerate(bool isRequired, Action save)
    {
        try
        {
            save();
            return true;
        }
        catch (RunException exception) when (!isRequired && _failures < _config.Training.MaxSaveErrors)
        {
            _failures++;
            _log.Warn(
                $"{exception.Message} Training goes on; failure {_failures} of at most "
                + $"{_config.Training.MaxSaveErrors} in a row.");
            return false;
        }
    }

    private void FillWeights(string path)
    {
        if (_adapter is not null)
        {
            _adapter.Fill(path);
            return;
        }

        using ModelFolder folder = ModelFolder.Open(path, _log.Say);
        using var reader = new WeightReader(folder, _model.Backend);
        foreach (Parameter parameter in _model.Parameters.All)
            if (reader.Fill(parameter.Name, parameter.Value) is > 0 and var count)
                throw new RunException(
                    ExitCode.ModelFile,
                    $"{path}: {count} numbers of '{parameter.Name}' are not finite. Training does not go on from it.");
    }
}
