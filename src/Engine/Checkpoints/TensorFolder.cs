using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Checkpoints;

/// <summary>The tensors of a model folder as published: one safetensors file, or an index and its shards.</summary>
/// <remarks>
/// All headers are checked when the folder is opened, before any tensor is read. Shards may be symbolic links, as in a
/// download cache; that a shard stays in the folder is checked on its name.
/// </remarks>
public sealed class TensorFolder : IDisposable
{
    private readonly List<SafeTensorsFile> _files = [];
    private readonly Dictionary<string, (SafeTensorsFile File, TensorEntry Entry)> _places = [];

    private TensorFolder(string path) => Path = path;

    public string Path { get; }

    /// <summary>All tensors, by file name and then in the order of their bytes.</summary>
    public IReadOnlyList<TensorEntry> Entries { get; private set; } = [];

    internal IReadOnlyList<SafeTensorsFile> Files => _files;

    /// <summary>Bytes of all tensors.</summary>
    public long TotalBytes => Entries.Sum(entry => entry.ByteCount);

    /// <summary>Opens {baseName}.safetensors or {baseName}.safetensors.index.json and the files it names.</summary>
    /// <param name="warn">Told what is odd and does no harm.</param>
    /// <param name="maxHeaderBytes">Up to <see cref="SafeTensorsFile.MaxHeaderBytes"/>.</param>
    /// <exception cref="RunException">Exit code 4: malformed, hostile or incomplete files; names the fault.</exception>
    public static TensorFolder Open(
        string path, Action<string> warn, string baseName = "model",
        int maxHeaderBytes = SafeTensorsFile.DefaultHeaderBytes)
    {
        string single = System.IO.Path.Combine(path, $"{baseName}.safetensors");
        string index = single + ".index.json";
        var folder = new TensorFolder(path);
        try
        {
            if (File.Exists(single))
            {
                if (File.Exists(index))
                    warn($"{index}: not read, because {single} is there as well.");
                folder.Add(SafeTensorsFile.Open(single, maxHeaderBytes));
            }
            else if (File.Exists(index))
            {
                folder.AddShards(index, warn, maxHeaderBytes);
            }
            else
            {
                throw new RunException(ExitCode.ModelFile, Directory.Exists(path)
                    ? $"{path}: has neither {baseName}.safetensors nor {baseName}.safetensors.index.json."
                    : $"{path}: there is no such folder.");
            }
            folder.Entries = [.. folder._files.SelectMany(file => file.Entries)];
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <returns>Null if the folder has no tensor of the name.</returns>
    public TensorEntry? Find(string name) => _places.GetValueOrDefault(name).Entry;

    /// <summary>Reads a whole tensor.</summary>
    /// <param name="bytes">As long as the tensor, overwritten.</param>
    public void Read(string name, Span<byte> bytes)
    {
        var (file, entry) = Place(name);
        file.Read(entry, bytes);
    }

    /// <summary>Reads a part of a tensor.</summary>
    /// <param name="byteOffset">From the tensor's first byte.</param>
    public void Read(string name, long byteOffset, Span<byte> bytes)
    {
        var (file, entry) = Place(name);
        file.Read(entry, byteOffset, bytes);
    }

    /// <summary>Compares with what a model needs: every name, its shape, and a type of the same class.</summary>
    /// <param name="needed">A floating type stands for all of F64, F32, F16 and BF16, another only for itself.</param>
    /// <param name="model">Who needs them, for the message.</param>
    /// <returns>The tensors of the folder that are not needed, for the caller to list.</returns>
    /// <exception cref="RunException">Exit code 4: MissingTensor or ShapeMismatch.</exception>
    public IReadOnlyList<TensorEntry> Require(IReadOnlyCollection<TensorEntry> needed, string model)
    {
        string[] missing = [.. needed.Where(entry => Find(entry.Name) is null).Select(entry => entry.Name)];
        if (missing.Length > 0)
            throw SafeTensorsHeader.Refuse(Path, SafeTensorsFault.MissingTensor,
                $"{model} needs {missing.Length} tensors that are not there: {string.Join(", ", missing.Take(5))}"
                + (missing.Length > 5 ? ", …" : "."));
        foreach (TensorEntry entry in needed)
        {
            TensorEntry found = Place(entry.Name).Entry;
            bool fits = IsFloating(entry.Type) ? IsFloating(found.Type) : entry.Type == found.Type;
            if (!fits || !found.Shape.SequenceEqual(entry.Shape))
                throw SafeTensorsHeader.Refuse(Path, SafeTensorsFault.ShapeMismatch,
                    $"found {found}, but {model} needs {entry.Type} [{entry.ShapeText}]. "
                    + "config.json and the weights may come from different models.");
        }
        var names = needed.Select(entry => entry.Name).ToHashSet();
        return [.. Entries.Where(entry => !names.Contains(entry.Name))];
    }

    public void Dispose()
    {
        foreach (SafeTensorsFile file in _files)
            file.Dispose();
    }

    internal static bool IsFloating(DType type) => type is DType.F64 or DType.F32 or DType.F16 or DType.BF16;

    private void AddShards(string index, Action<string> warn, int maxHeaderBytes)
    {
        SortedDictionary<string, HashSet<string>> tensorsByShard = TensorIndex.Read(index, out long? totalSize);
        foreach (string shard in tensorsByShard.Keys)
            if (!File.Exists(System.IO.Path.Combine(Path, shard)))
                throw TensorIndex.Refuse(index, $"the file '{shard}' is not in the folder.");
        foreach (var (shard, named) in tensorsByShard)
        {
            SafeTensorsFile file = SafeTensorsFile.Open(System.IO.Path.Combine(Path, shard), maxHeaderBytes);
            Add(file);
            foreach (TensorEntry entry in file.Entries)
                if (!named.Remove(entry.Name))
                    throw SafeTensorsHeader.Refuse(file.Path, SafeTensorsFault.UnexpectedTensor,
                        $"tensor '{entry.Name}' is not assigned to this file by {System.IO.Path.GetFileName(index)}.");
            if (named.Count > 0)
                throw SafeTensorsHeader.Refuse(file.Path, SafeTensorsFault.MissingTensor,
                    $"tensor '{YamlNode.Shown(named.First())}' is assigned to this file by "
                    + $"{System.IO.Path.GetFileName(index)} and is not in it.");
        }
        long found = _files.Sum(file => file.Entries.Sum(entry => entry.ByteCount));
        if (totalSize is not null && totalSize != found)
            warn($"{index}: total_size is {totalSize}, the tensors have {found} bytes.");
    }

    private void Add(SafeTensorsFile file)
    {
        _files.Add(file);
        foreach (TensorEntry entry in file.Entries)
            if (!_places.TryAdd(entry.Name, (file, entry)))
                throw SafeTensorsHeader.Refuse(file.Path, SafeTensorsFault.UnexpectedTensor,
                    $"tensor '{entry.Name}' is in another file as well.");
    }

    internal (SafeTensorsFile File, TensorEntry Entry) Place(string name) =>
        _places.TryGetValue(name, out var place)
            ? place
            : throw new ArgumentException($"{Path} has no tensor '{name}'.", nameof(name));
}
