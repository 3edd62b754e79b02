using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Kernels;

namespace FastCpt.Engine.Models;

/// <summary>A Hugging Face folder of a model: what config.json says, and where each parameter is stored.</summary>
/// <remarks>
/// Opening compares the two: every parameter has to be there in its shape, and everything that is there has to be a
/// parameter, a part that is known not to be of the model (vision, pooler), or a table that is computed here. Weights
/// are read later.
/// </remarks>
public sealed class ModelFolder : IDisposable
{
    private const int MostNamesShown = 8;
    private const int MostBytesCompared = 1 << 20;

    private readonly TensorFolder _tensors;
    private readonly Dictionary<string, TensorEntry> _stored = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ignored = new(StringComparer.Ordinal);

    private ModelFolder(TensorFolder tensors, ModelConfig config) => (_tensors, Config) = (tensors, config);

    public string Path => _tensors.Path;

    public ModelConfig Config { get; }

    /// <summary>Tensors of the folder that the model does not consist of.</summary>
    public int IgnoredTensorCount => _ignored.Count;

    /// <param name="warn">Told what is odd or left out.</param>
    /// <param name="withHead">Whether an encoder's head that predicts masked tokens is part of the model, where the
    /// folder has one.</param>
    /// <exception cref="RunException">Exit code 4: malformed files, or weights that do not fit the config.</exception>
    public static ModelFolder Open(string path, Action<string> warn, bool withHead = true)
    {
        ModelConfigFile config = ModelConfigReader.Read(System.IO.Path.Combine(path, ModelConfigReader.FileName));
        if (config.IgnoredKeys.Count > 0)
            warn($"{path}: config.json has {config.IgnoredKeys.Count} unknown keys, which are ignored: "
                + $"{Listed(config.IgnoredKeys)}.");
        ModelConfig model = config.Config is EncoderConfig encoder && !withHead
            ? encoder with { HasMaskedHead = false }
            : config.Config;
        var folder = new ModelFolder(TensorFolder.Open(path, warn), model);
        try
        {
            folder.FindParameters();
            if (folder.IgnoredTensorCount > 0)
                warn($"{path}: {folder.IgnoredTensorCount} tensors are left out, which are not of the model.");
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>The type that a parameter is stored in: F32, BF16, F16 or F64.</summary>
    public DType StoredType(string parameter) => _stored[parameter].Type;

    /// <summary>Reads a part of a parameter as it is stored.</summary>
    /// <param name="byteOffset">From the parameter's first byte.</param>
    public void Read(string parameter, long byteOffset, Span<byte> bytes) =>
        _tensors.Read(_stored[parameter].Name, byteOffset, bytes);

    public void Dispose() => _tensors.Dispose();

    private void FindParameters()
    {
        FindStored();
        CheckHeads();
        var needed = new List<TensorEntry>();
        foreach (ParameterShape parameter in ParameterLayout.Of(Config))
        {
            string name = _stored.TryGetValue(parameter.Name, out TensorEntry? found) ? found.Name : parameter.Name;
            needed.Add(ParameterLayout.Entry(name, DType.F32, parameter.Shape));     // F32: any floating type
        }

        string[] unexpected = [.. _tensors.Require(needed, ModelConfigReader.FileName)
            .Select(entry => entry.Name).Where(name => !_ignored.Contains(name))];
        if (unexpected.Length > 0)
            throw SafeTensorsHeader.Refuse(Path, SafeTensorsFault.UnexpectedTensor,
                $"{unexpected.Length} tensors are no part of the model that config.json describes: "
                + $"{Listed(unexpected)}. They may come from another model.");
    }

    /// <summary>Names as text models have them, whatever prefix the folder puts before them.</summary>
    private void FindStored()
    {
        foreach (TensorEntry entry in _tensors.Entries)
        {
            string? name = StoredNames.ParameterOf(entry.Name, Config);
            if (name is null)
                _ignored.Add(entry.Name);
            else if (!_stored.TryAdd(name, entry))
                throw SafeTensorsHeader.Refuse(Path, SafeTensorsFault.UnexpectedTensor,
                    $"'{_stored[name].Name}' and '{entry.Name}' are both the parameter '{name}'.");
        }
    }

    /// <summary>A tied head may be stored too where it says the same as what it is tied to.</summary>
    private void CheckHeads()
    {
        if (Config is EncoderConfig { HasMaskedHead: true })
        {
            CheckCopy(StoredNames.DecoderWeight, EncoderLayout.Words);
            CheckCopy(StoredNames.DecoderBias, EncoderLayout.HeadBias);
        }

        if (Config is not DecoderConfig decoder)
            return;
        if (decoder.TiedHead)
            CheckCopy(ParameterLayout.Head, ParameterLayout.Embedding);
        else if (!_stored.ContainsKey(ParameterLayout.Head))
            throw SafeTensorsHeader.Refuse(Path, SafeTensorsFault.MissingTensor,
                $"tie_word_embeddings is false, but there is no {ParameterLayout.Head}. Set it to true if the output "
                + "head is the embedding.");
    }

    /// <summary>Leaves out a tensor that is the same as another, where both are stored.</summary>
    private void CheckCopy(string copy, string original)
    {
        if (!_stored.TryGetValue(copy, out TensorEntry? head)
            || !_stored.TryGetValue(original, out TensorEntry? table))
            return;
        if (!AreEqual(head, table))
            throw SafeTensorsHeader.Refuse(Path, SafeTensorsFault.UnexpectedTensor,
                $"tie_word_embeddings is true, but {head} differs from {table}. Set it to false if the model has an "
                + "output head of its own, or remove the head.");
        _stored.Remove(copy);
        _ignored.Add(head.Name);
    }

    private bool AreEqual(TensorEntry first, TensorEntry second)
    {
        if (first.Type != second.Type || !first.Shape.SequenceEqual(second.Shape))
            return false;
        byte[] left = new byte[MostBytesCompared], right = new byte[MostBytesCompared];
        for (long offset = 0; offset < first.ByteCount; offset += MostBytesCompared)
        {
            int count = (int)Math.Min(MostBytesCompared, first.ByteCount - offset);
            _tensors.Read(first.Name, offset, left.AsSpan(0, count));
            _tensors.Read(second.Name, offset, right.AsSpan(0, count));
            if (!left.AsSpan(0, count).SequenceEqual(right.AsSpan(0, count)))
                return false;
        }

        return true;
    }

    private static string Listed(IReadOnlyCollection<string> names) =>
        string.Join(", ", names.Take(MostNamesShown)) + (names.Count > MostNamesShown ? ", ..." : "");
}
