using FastCpt.Engine.Files;

namespace FastCpt.Engine.Checkpoints;

/// <summary>Writes tensors as published: in one file, or in shards with an index where they are too large.</summary>
public static class TensorFolderWriter
{
    /// <summary>The publishers' usual limit of one file.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    private static readonly string[] WeightExtensions =
        [".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf", ".onnx", ".index.json"];

    private static readonly string[] OwnNames = ["manifest.json", "latest", RunLock.FileName];

    /// <summary>Writes {baseName}.safetensors, or {baseName}-00001-of-0000N.safetensors and the index.</summary>
    /// <param name="entries">Name, type and shape, in the order in which they fill the shards.</param>
    /// <param name="content">Called once per tensor, in the order of the files; writes exactly its bytes.</param>
    /// <param name="maxShardBytes">A file takes tensors up to this many bytes, and at least one.</param>
    public static void Write(
        FolderOutput output, IReadOnlyList<TensorEntry> entries, Action<TensorEntry, Stream> content,
        string baseName = "model", long maxShardBytes = DefaultShardBytes)
    {
        List<List<TensorEntry>> shards = Split(entries, maxShardBytes);
        var map = new List<(string Tensor, string Shard)>();
        for (int i = 0; i < shards.Count; i++)
        {
            string name = shards.Count == 1
                ? $"{baseName}.safetensors"
                : $"{baseName}-{i + 1:00000}-of-{shards.Count:00000}.safetensors";
            var writer = new SafeTensorsWriter(shards[i]);
            output.Write(name, stream => writer.Write(stream, content), writer.Length);
            map.AddRange(shards[i].Select(entry => (entry.Name, name)));
        }
        if (shards.Count > 1)
            output.Write($"{baseName}.safetensors.index.json",
                stream => TensorIndex.Write(stream, entries.Sum(entry => entry.ByteCount), map));
    }

    /// <summary>The tensors in the order in which <see cref="Write"/> asks for them.</summary>
    public static IEnumerable<TensorEntry> Order(
        IReadOnlyList<TensorEntry> entries, long maxShardBytes = DefaultShardBytes) =>
        Split(entries, maxShardBytes).SelectMany(shard => new SafeTensorsWriter(shard).Entries);

    /// <summary>Copies the other files of a model folder unchanged: configuration, tokenizer, documentation.</summary>
    /// <remarks>Left out: weights in any format, folders, hidden files, and what has been written already.</remarks>
    /// <param name="leaveOut">Names to leave out as well.</param>
    public static void CopyOthers(string sourceFolder, FolderOutput output, Func<string, bool>? leaveOut = null)
    {
        var written = output.Names.ToHashSet();
        foreach (string path in Directory.GetFiles(sourceFolder).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(path);
            bool isWeights = WeightExtensions.Any(end => name.EndsWith(end, StringComparison.OrdinalIgnoreCase));
            if (!isWeights && !name.StartsWith('.') && !OwnNames.Contains(name) && !written.Contains(name)
                && leaveOut?.Invoke(name) != true)
                output.Copy(path, name);
        }
    }

    private static List<List<TensorEntry>> Split(IReadOnlyList<TensorEntry> entries, long maxShardBytes)
    {
        var shards = new List<List<TensorEntry>> { new() };
        long bytes = 0;
        foreach (TensorEntry entry in entries)
        {
            if (shards[^1].Count > 0 && bytes + entry.ByteCount > maxShardBytes)
            {
                shards.Add([]);
                bytes = 0;
            }
            shards[^1].Add(entry);
            bytes += entry.ByteCount;
        }
        return shards;
    }
}
