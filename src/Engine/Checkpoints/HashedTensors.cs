using FastCpt.Engine.Files;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Reads tensors of a folder and hashes on the way those of its files whose hash nobody remembers.</summary>
internal sealed class HashedTensors : IDisposable
{
    private readonly NamedTensors _tensors;
    private readonly Dictionary<SafeTensorsFile, PassingHash> _hashes = [];
    private readonly Dictionary<string, string> _known = [];
    private readonly List<(SafeTensorsFile File, string? State)> _read = [];
    private readonly List<(SafeTensorsFile File, string State)> _remembered = [];

    /// <param name="memory">Asked once for every file, as it is now.</param>
    public HashedTensors(NamedTensors tensors, FileHashes memory)
    {
        _tensors = tensors;
        foreach (SafeTensorsFile file in tensors.Files)
        {
            string state = file.Input.State;
            if (memory.Known(file.Input) is { } hash)
            {
                _known.Add(Path.GetFileName(file.Path), hash);
                _remembered.Add((file, state));
                continue;
            }

            _read.Add((file, FileHashes.StateToRemember(file.Input)));
            _hashes.Add(file, new PassingHash(file.Input));
        }
    }

    /// <summary>Reads a part of a tensor.</summary>
    /// <param name="byteOffset">From the tensor's first byte.</param>
    public void Read(string name, long byteOffset, Span<byte> bytes, CancellationToken cancel)
    {
        (SafeTensorsFile file, TensorEntry entry) = _tensors.Place(name);
        file.Read(entry, byteOffset, bytes);
        if (_hashes.TryGetValue(file, out PassingHash? hash))
            hash.Pass(entry.Offset + byteOffset, bytes, cancel);
    }

    /// <summary>SHA-256 of every file, by its name; what was neither remembered nor read is read now.</summary>
    /// <exception cref="RunException">Exit 4: a file has changed whose hash was remembered, so that this may not be the
    /// hash of what was read.</exception>
    public Dictionary<string, string> Finish(CancellationToken cancel)
    {
        foreach (var (file, state) in _remembered)
            if (file.Input.State != state)
                throw new RunException(ExitCode.ModelFile, $"{file.Path}: changed while it was read; expected a file "
                    + "that nobody writes to. Run again once it is complete.");
        foreach (var (file, hash) in _hashes)
            _known.Add(Path.GetFileName(file.Path), hash.Finish(cancel));
        return _known;
    }

    /// <summary>The files that were read whole, with their states before that and, of <see cref="Finish"/>, their
    /// hashes.</summary>
    public IEnumerable<(string Path, string? State, string Hash)> Found =>
        _read.Select(one => (one.File.Path, one.State, _known[Path.GetFileName(one.File.Path)]));

    public void Dispose()
    {
        foreach (PassingHash hash in _hashes.Values)
            hash.Dispose();
    }
}
