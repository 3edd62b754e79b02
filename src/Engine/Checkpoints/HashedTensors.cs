using FastCpt.Engine.Files;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Reads tensors of a folder and hashes its files on the way.</summary>
internal sealed class HashedTensors(NamedTensors tensors) : IDisposable
{
    private readonly Dictionary<SafeTensorsFile, PassingHash> _hashes =
        tensors.Files.ToDictionary(file => file, file => file.StartHash());

    /// <summary>Reads a part of a tensor.</summary>
    /// <param name="byteOffset">From the tensor's first byte.</param>
    public void Read(string name, long byteOffset, Span<byte> bytes, CancellationToken cancel)
    {
        (SafeTensorsFile file, TensorEntry entry) = tensors.Place(name);
        file.Read(entry, byteOffset, bytes);
        _hashes[file].Pass(entry.Offset + byteOffset, bytes, cancel);
    }

    /// <summary>SHA-256 of every file, by its name; what was not read is read now.</summary>
    public Dictionary<string, string> Finish(CancellationToken cancel) =>
        _hashes.ToDictionary(pair => Path.GetFileName(pair.Key.Path), pair => pair.Value.Finish(cancel));

    public void Dispose()
    {
        foreach (PassingHash hash in _hashes.Values)
            hash.Dispose();
    }
}
