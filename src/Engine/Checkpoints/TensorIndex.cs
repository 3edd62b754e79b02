using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Checkpoints;

/// <summary>The index of a model in several safetensors files: which tensor is in which file.</summary>
internal static class TensorIndex
{
    public const int MaxBytes = 64 << 20;
    public const int MaxShards = 1_000;

    private const string Extension = ".safetensors";

    /// <summary>Reads an index; a shard's name is one path component, so that none leads out of the folder.</summary>
    /// <param name="totalSize">Bytes of all tensors as the index claims; null if it does not.</param>
    /// <returns>Tensors by shard, in the order of the shards' names.</returns>
    public static SortedDictionary<string, HashSet<string>> Read(string path, out long? totalSize)
    {
        using JsonDocument index = StrictJson.Load(path, ExitCode.ModelFile, MaxBytes);
        if (index.RootElement.ValueKind != JsonValueKind.Object
            || !index.RootElement.TryGetProperty("weight_map", out JsonElement map)
            || map.ValueKind != JsonValueKind.Object)
            throw Refuse(path, "there is no object weight_map.");

        var tensorsByShard = new SortedDictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (JsonProperty entry in map.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.String)
                throw Refuse(path, $"the file of tensor '{YamlNode.Shown(entry.Name)}' is not a string.");
            string shard = entry.Value.GetString()!;     // not null: the value is a string
            if (!IsShardName(shard))
                throw Refuse(path, $"the file name '{YamlNode.Shown(shard)}' is not one path component of letters, "
                    + $"digits, '.', '_' and '-' that ends in {Extension}.");
            if (!tensorsByShard.TryGetValue(shard, out HashSet<string>? tensors))
                tensorsByShard.Add(shard, tensors = []);
            tensors.Add(entry.Name);
            if (tensorsByShard.Count > MaxShards)
                throw Refuse(path, $"more than {MaxShards} files are named.");
        }
        if (tensorsByShard.Count == 0)
            throw Refuse(path, "no tensor is named.");
        totalSize = TotalSize(path, index.RootElement);
        return tensorsByShard;
    }

    /// <summary>Writes an index as the publishers' tools do: indented, tensors sorted by name.</summary>
    public static void Write(Stream stream, long totalSize, IEnumerable<(string Tensor, string Shard)> map)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", totalSize);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach (var (tensor, shard) in map.OrderBy(entry => entry.Tensor, StringComparer.Ordinal))
            json.WriteString(tensor, shard);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        stream.Write("\n"u8);
    }

    public static RunException Refuse(string path, string what) =>
        SafeTensorsHeader.Refuse(path, SafeTensorsFault.InvalidIndex, what);

    /// <summary>^[A-Za-z0-9._-]+\.safetensors$</summary>
    private static bool IsShardName(string name) =>
        name.Length > Extension.Length && name.EndsWith(Extension, StringComparison.Ordinal)
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static long? TotalSize(string path, JsonElement root)
    {
        if (!root.TryGetProperty("metadata", out JsonElement metadata) || metadata.ValueKind != JsonValueKind.Object
            || !metadata.TryGetProperty("total_size", out JsonElement size))
            return null;
        // Some tools wrote a float here, so 8e9 and 8000000000.0 count as well.
        if (size.ValueKind != JsonValueKind.Number || size.GetDouble() is < 0 or > 1L << 53)
            throw Refuse(path, "metadata.total_size is not a number of bytes.");
        return (long)size.GetDouble();
    }
}
