using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Training.Slots;

/// <summary>All that a learner needs to go on with the same bits, in a folder of its own; the newest stays.</summary>
/// <remarks>
/// Weights (their F32 masters where there are any), moments and the best epoch's weights in learner.safetensors, and a
/// manifest. Whom it shares its passes with is not saved: it goes on alone or with others.
/// </remarks>
public sealed class SlotCheckpoints : IDisposable
{
    private const string BaseName = "learner";

    private readonly SlotLearner _learner;
    private readonly string _key;
    private readonly Action<string> _log;
    private readonly RunLock _lock;
    private readonly CheckpointStore _store;
    private long _savedStep;

    /// <param name="folder">Holds nothing else; it is created.</param>
    /// <param name="key">Of all that decides the learner's numbers.</param>
    /// <param name="log">Told what is skipped, removed or odd, and where the learner goes on.</param>
    /// <exception cref="RunException">Exit 3: another process has the folder, or it cannot be made. Exit 6: the disk
    /// cannot hold a checkpoint.</exception>
    public SlotCheckpoints(string folder, string key, SlotLearner learner, Action<string> log, FileSystem files)
    {
        (_learner, _key, _log) = (learner, key, log);
        try
        {
            files.EnsureFolder(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RunException(
                ExitCode.Config, $"{folder}: cannot hold checkpoints: {exception.Message}", exception);
        }

        _lock = RunLock.Take(folder);
        try
        {
            _store = new CheckpointStore(folder, _lock, new CheckpointRetention(Newest: 1, Best: false), log, files);
            _store.RequireSpace(learner.Tensors(hasBest: true).Values.Sum(tensor => tensor.Bytes));
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>Saves the learner between two updates, once for a step.</summary>
    /// <remarks>One that ends an epoch may be saved before it is judged; it is judged when it goes on.</remarks>
    /// <exception cref="RunException">Exit 6: nothing was saved, what was there is unchanged.</exception>
    public void Save()
    {
        if (_learner.Step == _savedStep)
            return;
        SlotProgress progress = _learner.Progress;
        _store.Save(progress.Step, output => new CheckpointFacts
        {
            RunId = _learner.Name,
            ConfigSha256 = _key,
            ToolVersion = ToolVersion.Text,
            Device = Device,
            AreParametersFinite = TensorFile.Write(
                output, _learner.Tensors(hasBest: progress.Epochs.Count > 0), Backend, BaseName) == 0,
            WriteState = json => progress.ToJson().WriteTo(json),
        });
        _savedStep = progress.Step;
    }

    /// <summary>Takes a fresh learner to where the newest whole checkpoint left it; none leaves it fresh.</summary>
    /// <exception cref="RunException">Exit 3: the checkpoint is of other settings. Exit 4: there are checkpoints, but
    /// none can be used.</exception>
    public void Restore()
    {
        if (_store.OpenNewest(isRequired: false, healthyOnly: true) is not { } checkpoint)
            return;
        if (checkpoint.Facts.ConfigSha256 != _key)
            throw new RunException(
                ExitCode.Config,
                $"{checkpoint.Path}: was made with other settings than those of {_learner.Name}. Move it away to "
                + "start afresh.");
        SlotProgress progress = SlotProgress.Read(checkpoint.State, checkpoint.Path);
        if (progress.Step != checkpoint.Step || !_learner.CanStandAt(progress))
            throw new RunException(
                ExitCode.ModelFile,
                $"{checkpoint.Path}: found step {progress.Step} after {progress.Epochs.Count} epochs, which is no "
                + $"place in the training of {_learner.Name}. Move it away to start afresh.");
        TensorFile.Read(
            checkpoint.Path, _learner.Tensors(hasBest: progress.Epochs.Count > 0), Backend, _log, BaseName,
            _learner.Name);
        _learner.GoOnFrom(progress);
        _savedStep = progress.Step;
        if (checkpoint.Facts.Device != Device)
            _log($"{checkpoint.Path}: was computed by {checkpoint.Facts.Device}, this is {Device}: the last digits "
                + "may differ from those of a run that was not moved.");
        _log($"{_learner.Name}: goes on after step {progress.Step}");
    }

    public void Dispose() => _lock.Dispose();

    private Backend Backend => _learner.Weights.Backend;

    private string Device => $"{Backend.Name} {Backend.InstructionSet}";
}
