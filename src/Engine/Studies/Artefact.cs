using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies;

/// <summary>Something that a study makes, in a folder of its own, known by a hash of all that it depends on.</summary>
/// <remarks>
/// The hash covers the tool's version, the recipe, and the hashes of what the artefact is made from; not where things
/// lie, nor what computes. The folder's .artefact.json says which hash it was made for and whether it is complete, so
/// that a changed study remakes what depends on the change and nothing else, and a stopped one goes on.
/// </remarks>
public abstract class Artefact
{
    private const string StampName = ".artefact.json";

    /// <summary>Raised when the same recipe and inputs make other bytes than before, within a version.</summary>
    private const int Format = 1;

    private readonly string _lockFolder;
    private readonly FileHashes _hashes;
    private string? _key;

    /// <param name="name">Path of the folder within the study's, with '/'.</param>
    protected Artefact(string name, string studyFolder, params IReadOnlyList<Artefact> inputs)
    {
        Name = name;
        Folder = Path.Combine(studyFolder, Path.Combine(name.Split('/')));
        _lockFolder = Path.Combine(studyFolder, "locks", Path.Combine(name.Split('/')));
        Inputs = inputs;
        _hashes = new FileHashes(Path.Combine(studyFolder, StudyRun.ShardFolderName));
    }

    public string Name { get; }

    public string Folder { get; }

    /// <summary>What has to be there first.</summary>
    public IReadOnlyList<Artefact> Inputs { get; }

    /// <summary>SHA-256 of recipe and inputs, in hexadecimal digits.</summary>
    public string Key => _key ??= ComputeKey();

    public bool IsUpToDate => Stamp() is { IsComplete: true } stamp && stamp.Key == Key;

    /// <summary>Whether what others are made from is still there; what an artefact leaves out when it is up to date is
    /// made once more where it is needed.</summary>
    public virtual bool HasContent => true;

    /// <summary>The folder of another artefact that it writes files into, under its own lock; null for none.</summary>
    protected virtual string? AlsoWritesInto => null;

    /// <summary>Artefacts whose values are equal can be made at once; null where it is made alone.</summary>
    public virtual object? MadeWith => null;

    /// <summary>Makes the artefact, going on from what an interrupted attempt at the same one left.</summary>
    /// <inheritdoc cref="Make(IReadOnlyList{Artefact}, StudyRun)"/>
    public void Make(StudyRun run) => Make([this], run);

    /// <summary>Makes artefacts at once, which say that they can be.</summary>
    /// <exception cref="RunException">
    /// Exit 3: another process is making one, or a folder holds what is not of it. Else whatever the work ends with;
    /// folders that were not finished before are then not complete.
    /// </exception>
    public static void Make(IReadOnlyList<Artefact> artefacts, StudyRun run)
    {
        var held = new List<RunLock>();
        try
        {
            var missing = new List<Artefact>();
            foreach (Artefact artefact in artefacts)
            {
                held.Add(artefact.TakeLock());
                if (artefact.IsUpToDate && artefact.HasContent)
                    continue;
                artefact.Begin(run, held[^1]);
                missing.Add(artefact);
            }

            if (missing.Count == 0)
                return;
            missing[0].MakeContents(missing, run, artefact => artefact.WriteStamp(run, complete: true));
        }
        finally
        {
            held.ForEach(one => one.Dispose());
        }
    }

    /// <summary>The right to make it, beside its folder, which a change of the study deletes.</summary>
    /// <remarks>By artefact, so that several processes can make parts of one study.</remarks>
    /// <exception cref="RunException">Exit 3: another process has it.</exception>
    internal RunLock TakeLock()
    {
        Directory.CreateDirectory(_lockFolder);
        return RunLock.Take(_lockFolder);
    }

    /// <summary>All that decides the result beside the inputs.</summary>
    protected abstract JsonObject Recipe();

    protected abstract void MakeContent(StudyRun run);

    /// <summary>Makes the content of some artefacts, this one first among them.</summary>
    /// <param name="made">To be told each that is whole, when it is: it stays, whatever becomes of the others.</param>
    protected virtual void MakeContents(IReadOnlyList<Artefact> artefacts, StudyRun run, Action<Artefact> made)
    {
        foreach (Artefact artefact in artefacts)
        {
            artefact.MakeContent(run);
            made(artefact);
        }
    }

    private void Begin(StudyRun run, RunLock held)
    {
        Leftovers.Sweep(_lockFolder, held, run.Files, run.Say);
        if (Stamp() is { } stamp && stamp.Key != Key)
            Discard(run);
        Directory.CreateDirectory(Folder);
        Leftovers.Sweep(Folder, held, run.Files, run.Say);
        // The other is complete and not begun again, so that nobody else sweeps there.
        if (AlsoWritesInto is { } other && Directory.Exists(other))
            Leftovers.Sweep(other, held, run.Files, run.Say);
        RequireOurs();
        WriteStamp(run, complete: false);
    }

    /// <summary>Takes the name away first, so that a half-deleted folder is never taken for somebody else's.</summary>
    private void Discard(StudyRun run)
    {
        try
        {
            string trash = Leftovers.TrashFor(Path.Combine(_lockFolder, Path.GetFileName(Folder)));
            run.Files.RenameFolder(Folder, trash);
            run.Files.DeleteFolder(trash);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunException(
                ExitCode.Resources, $"{Folder}: the study changed, but the old {Name} cannot be deleted: {e.Message}",
                e);
        }
    }

    private void RequireOurs()
    {
        if (Stamp() is null && Directory.EnumerateFileSystemEntries(Folder).Order().FirstOrDefault() is { } other)
            throw new RunException(
                ExitCode.Config,
                $"{Folder}: holds {Path.GetFileName(other)}, which no study made, but {Name} belongs there. "
                + "Choose another output_dir, or move the folder away.");
    }

    /// <summary>SHA-256 of a file that the artefact is made from.</summary>
    protected string HashOf(string path) => _hashes.Of(path);

    private string ComputeKey()
    {
        var whole = new JsonObject
        {
            ["tool"] = ToolVersion.Text,
            ["format"] = Format,
            ["kind"] = GetType().Name,
            ["recipe"] = Recipe(),
            ["inputs"] = new JsonArray([.. Inputs.Select(input => (JsonNode)input.Key)]),
        };
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(whole.ToJsonString())));
    }

    private (string Key, bool IsComplete)? Stamp()
    {
        string path = Path.Combine(Folder, StampName);
        if (!File.Exists(path))
            return null;
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config);
        return json.RootElement.TryGetProperty("key", out JsonElement key) && key.ValueKind == JsonValueKind.String
            && json.RootElement.TryGetProperty("complete", out JsonElement complete)
            ? (key.GetString()!, complete.ValueKind == JsonValueKind.True)
            : null;
    }

    private void WriteStamp(StudyRun run, bool complete)
    {
        var stamp = new JsonObject { ["name"] = Name, ["key"] = Key, ["complete"] = complete };
        AtomicFile.Write(
            Path.Combine(Folder, StampName), Encoding.UTF8.GetBytes(stamp.ToJsonString() + "\n"), run.Files);
    }
}
