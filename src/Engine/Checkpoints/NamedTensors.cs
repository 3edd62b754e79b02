namespace FastCpt.Engine.Checkpoints;

/// <summary>The tensors of a model folder under the names that a merge knows them by.</summary>
public sealed class NamedTensors
{
    private readonly TensorFolder _folder;
    private readonly Dictionary<string, TensorEntry> _entryByName = new(StringComparer.Ordinal);

    /// <param name="rename">The name of a stored tensor, null to leave it out; by default as it is stored.</param>
    /// <exception cref="Files.RunException">Exit 4: two tensors have one name.</exception>
    public NamedTensors(TensorFolder folder, Func<string, string?>? rename = null)
    {
        _folder = folder;
        foreach (TensorEntry entry in folder.Entries)
        {
            string? name = rename is null ? entry.Name : rename(entry.Name);
            if (name is not null && !_entryByName.TryAdd(name, entry))
                throw SafeTensorsHeader.Refuse(folder.Path, SafeTensorsFault.UnexpectedTensor,
                    $"'{_entryByName[name].Name}' and '{entry.Name}' are both the parameter '{name}'.");
        }
    }

    public string Path => _folder.Path;

    /// <summary>In the order of the files.</summary>
    public IEnumerable<string> Names => _entryByName.Keys;

    public long TotalBytes => _entryByName.Values.Sum(entry => entry.ByteCount);

    /// <returns>Null if there is no tensor of the name; its own name is the stored one.</returns>
    public TensorEntry? Find(string name) => _entryByName.GetValueOrDefault(name);

    internal IReadOnlyList<SafeTensorsFile> Files => _folder.Files;

    /// <summary>Where the bytes of a tensor are.</summary>
    internal (SafeTensorsFile File, TensorEntry Entry) Place(string name) => _folder.Place(_entryByName[name].Name);
}
