using System.Globalization;
using System.Text;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Checkpoints;

/// <summary>The checkpoints of one run: each is there completely and verified, or is not there.</summary>
/// <remarks>
/// Save: reserve space, write and sync every file in a temporary folder, the manifest last, rename, read back and
/// compare; then point `latest` at it and delete what retention does not keep. A crash at any instant leaves the
/// checkpoints before it usable. The store's folder belongs to the process that holds the run's lock.
/// </remarks>
public sealed class CheckpointStore
{
    /// <summary>A text file that names the newest checkpoint, for people and scripts; never read here.</summary>
    public const string LatestFileName = "latest";

    private const string Prefix = "step-";
    private const string Unhealthy = "was saved with a non-finite loss, gradient or parameter.";

    private readonly string _folder;
    private readonly CheckpointRetention _retention;
    private readonly Action<string> _log;
    private readonly FileSystem _fileSystem;
    private readonly HashSet<long> _brokenSteps = [];
    private long _lastBytes;

    /// <summary>Opens or creates the folder and removes what runs that were cut short left in it.</summary>
    /// <param name="held">The lock of the run whose checkpoints these are.</param>
    /// <param name="log">Told of everything skipped, removed or odd; one line each.</param>
    /// <exception cref="RunException">Exit code 3: the folder cannot be created or listed.</exception>
    public CheckpointStore(
        string folder, RunLock held, CheckpointRetention retention, Action<string> log, FileSystem? fileSystem = null)
    {
        (_folder, _retention, _log) = (Path.GetFullPath(folder), retention, log);
        _fileSystem = fileSystem ?? FileSystem.Real;
        try
        {
            _fileSystem.EnsureFolder(_folder);
            Leftovers.Sweep(_folder, held, _fileSystem, log);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Config, $"{folder}: cannot hold checkpoints: {e.Message}", e);
        }
    }

    /// <summary>Compare by SHA-256 after saving and on resume, not only by length and CRC.</summary>
    public bool VerifyFully { get; init; }

    /// <summary>Leave the temporary folder of a failed save for inspection.</summary>
    public bool KeepFailed { get; init; }

    /// <summary>The final folder of a step.</summary>
    public string PathOf(long step) =>
        Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:00000000}"));

    /// <summary>Refuses to begin what the disk cannot hold: older checkpoints are deleted only afterwards.</summary>
    /// <param name="bytes">Size of one checkpoint; counts until one is saved.</param>
    /// <exception cref="RunException">Exit code 6.</exception>
    public void RequireSpace(long bytes)
    {
        _lastBytes = bytes;
        long needed = bytes + bytes / 10;
        long free;
        try
        {
            free = _fileSystem.FreeBytes(_folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log($"{_folder}: how much space is free is unknown: {e.Message}");
            return;
        }
        if (free < needed)
            throw new RunException(ExitCode.Resources, string.Create(CultureInfo.InvariantCulture,
                $"{_folder}: a checkpoint needs {needed >> 20} MiB, {free >> 20} MiB are free. ")
                + "Free space, or keep fewer checkpoints.");
    }

    /// <summary>Saves a checkpoint; when it returns, the checkpoint is on the medium and has been read back.</summary>
    /// <param name="content">Writes the files, in an order of its own; the manifest is added.</param>
    /// <exception cref="RunException">Exit code 6: nothing was saved, what was there is unchanged.</exception>
    public Checkpoint Save(long step, Action<FolderWriter> content, CheckpointFacts facts) =>
        Save(step, output =>
        {
            content(output);
            return facts;
        });

    /// <param name="content">Writes the files, and says what the checkpoint is once they are written.</param>
    /// <inheritdoc cref="Save(long, Action{FolderWriter}, CheckpointFacts)"/>
    public Checkpoint Save(long step, Func<FolderWriter, CheckpointFacts> content)
    {
        if (_lastBytes > 0)
            RequireSpace(_lastBytes);
        string path = PathOf(step);
        MakeRoom(path, step);
        using (var writer = new FolderWriter(path, _fileSystem) { KeepFailed = KeepFailed })
        {
            CheckpointFacts facts = content(writer);
            byte[] manifest = CheckpointManifest.Write(step, facts, writer.Files);
            writer.Write(CheckpointManifest.FileName, stream => stream.Write(manifest), manifest.Length);
            writer.Complete();
        }
        Checkpoint saved = ReadBack(path, step);
        _brokenSteps.Remove(step);
        _lastBytes = saved.TotalBytes;
        PointLatestAt(path);
        ApplyRetention();
        return saved;
    }

    /// <summary>Changes what a checkpoint says of itself; its files and its health stay as they are.</summary>
    /// <exception cref="RunException">Exit code 4: there is none. Exit code 6: it says what it said before.</exception>
    public void Restate(long step, CheckpointFacts facts)
    {
        string path = PathOf(step);
        Checkpoint saved = CheckpointManifest.Read(path, step);
        facts = facts with
        {
            ParentStep = saved.Facts.ParentStep, AreParametersFinite = saved.Facts.AreParametersFinite,
        };
        byte[] manifest = CheckpointManifest.Write(step, facts, saved.Files);
        AtomicFile.Write(Path.Combine(path, CheckpointManifest.FileName), manifest, _fileSystem);
        ApplyRetention();
    }

    /// <summary>The newest checkpoint that is whole; every newer one that is not is logged with the reason.</summary>
    /// <param name="isRequired">Whether a run without any checkpoint is an error, or starts afresh.</param>
    /// <param name="healthyOnly">Also pass over those saved with non-finite loss, gradient or parameters.</param>
    /// <returns>Null if there is none, not even a damaged one, and none is required.</returns>
    /// <exception cref="RunException">Exit code 4: none can be used.</exception>
    public Checkpoint? OpenNewest(bool isRequired, bool healthyOnly = false)
    {
        IReadOnlyList<(string Path, long Step)> candidates = List();
        foreach (var (path, step) in candidates)
        {
            var (checkpoint, reason) = Examine(path, step, VerifyFully);
            if (checkpoint is null)
                _brokenSteps.Add(step);
            else if (healthyOnly && !checkpoint.Facts.IsHealthy)
                reason = Unhealthy;
            if (reason is null)
            {
                _lastBytes = checkpoint!.TotalBytes;    // not null: without a reason there is a checkpoint
                return checkpoint;
            }
            _log($"{path}: skipped: {reason}");
        }
        if (isRequired || candidates.Count > 0)
            throw new RunException(ExitCode.ModelFile, candidates.Count == 0
                ? $"{_folder}: there is no checkpoint to resume from. Start without resume."
                : $"{_folder}: none of {candidates.Count} checkpoints can be used; the log says why for each. "
                    + "Move them away to start afresh.");
        return null;
    }

    /// <summary>Folders named like checkpoints, newest first; other names, files and links are not looked at.</summary>
    private IReadOnlyList<(string Path, long Step)> List() =>
        [.. new DirectoryInfo(_folder).EnumerateDirectories(Prefix + "*")
            .Where(folder => folder.LinkTarget is null)
            .Select(folder => (folder.FullName, Step: StepOf(folder.Name)))
            .Where(folder => folder.Step >= 0)
            .OrderByDescending(folder => folder.Step)];

    private long StepOf(string name) =>
        long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step)
        && Path.GetFileName(PathOf(step)) == name ? step : -1;

    private static (Checkpoint? Checkpoint, string? Reason) Examine(string path, long step, bool full)
    {
        try
        {
            Checkpoint checkpoint = CheckpointManifest.Read(path, step);
            return checkpoint.WhyNot(full) is { } reason ? (null, reason) : (checkpoint, null);
        }
        catch (RunException e)
        {
            return (null, e.Message);
        }
    }

    /// <summary>A damaged or unhealthy checkpoint gives way to another of its step; a healthy one does not.</summary>
    private void MakeRoom(string path, long step)
    {
        if (!Directory.Exists(path))
            return;
        var (there, reason) = Examine(path, step, full: false);
        if (there is { Facts.IsHealthy: true })
            throw new RunException(
                ExitCode.Resources, $"{path}: could not be saved: a whole checkpoint is there already.");
        _log($"{path}: removed, because its step is saved again and it {reason ?? Unhealthy}");
        Delete(path);
    }

    private Checkpoint ReadBack(string path, long step)
    {
        var (checkpoint, reason) = Examine(path, step, VerifyFully);
        if (checkpoint is not null)
            return checkpoint;
        _brokenSteps.Add(step);
        if (!KeepFailed)
            Delete(path);
        throw new RunException(ExitCode.Resources, $"{path}: was not saved: read back, {reason}. Check the disk.");
    }

    private void PointLatestAt(string path)
    {
        try
        {
            byte[] name = Encoding.UTF8.GetBytes(Path.GetFileName(path) + "\n");
            AtomicFile.Write(Path.Combine(_folder, LatestFileName), name, _fileSystem);
        }
        catch (RunException e)
        {
            _log($"The checkpoint is saved, but {e.Message}");
        }
    }

    /// <summary>Damaged checkpoints neither count nor are deleted: they may be the only trace of a fault.</summary>
    private void ApplyRetention()
    {
        var whole = new List<Checkpoint>();
        foreach (var (path, step) in List())
        {
            try
            {
                if (_brokenSteps.Contains(step))
                    continue;
                Checkpoint checkpoint = CheckpointManifest.Read(path, step);
                if (!checkpoint.HasAllFiles)
                    throw new RunException(ExitCode.ModelFile, "a file is missing or has another length.");
                whole.Add(checkpoint);
            }
            catch (RunException e)
            {
                _brokenSteps.Add(step);
                _log($"{path}: not counted as a checkpoint: {e.Message}");
            }
        }
        IReadOnlySet<long> keep = _retention.Keep(whole);
        foreach (Checkpoint checkpoint in whole)
            if (!keep.Contains(checkpoint.Step))
                Delete(checkpoint.Path);
    }

    /// <summary>Takes the name away first, so that a half-deleted folder is never taken for a checkpoint.</summary>
    private void Delete(string path)
    {
        try
        {
            string trash = Leftovers.TrashFor(path);
            _fileSystem.RenameFolder(path, trash);
            _fileSystem.DeleteFolder(trash);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log($"{path}: could not be deleted: {e.Message}");
        }
    }
}
