using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FastCpt.Engine.Files;

/// <summary>SHA-256 of files, each read once until it changes; remembered in a folder's hashes.json.</summary>
/// <remarks>
/// A file is taken for unchanged while its length and the time of its last change are. Times are as fine as the file
/// system's, so a file that has just changed is not remembered. Where the folder is missing, nothing is.
/// </remarks>
public sealed class FileHashes(string folder)
{
    private const string Name = "hashes.json";
    private const int MaxBytes = 64 << 20;

    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    private readonly string _path = Path.Combine(folder, Name);
    private JsonObject? _known;

    /// <exception cref="RunException">Exit 3: the file cannot be read.</exception>
    public string Of(string path)
    {
        var file = new FileInfo(path);
        string key = file.FullName;
        if (!file.Exists)
            return FileHash.Of(path);
        string state = string.Create(
            CultureInfo.InvariantCulture, $"{file.Length} bytes, changed {file.LastWriteTimeUtc:O}");
        _known ??= Load();
        if (_known[key] is JsonArray { Count: 2 } entry && Text(entry[0]) == state && Text(entry[1]) is { } known)
            return known;
        bool isSettled = DateTime.UtcNow - file.LastWriteTimeUtc > Settled;
        string hash = FileHash.Of(path);
        if (isSettled)
            Remember(key, new JsonArray(state, hash));
        return hash;
    }

    private void Remember(string key, JsonArray entry)
    {
        if (!Directory.Exists(folder))
            return;
        _known = Load();        // others may have added to it
        _known[key] = entry;
        try
        {
            AtomicFile.Write(_path, Encoding.UTF8.GetBytes(_known.ToJsonString() + "\n"));
        }
        catch (RunException)
        {
            // The hash is right all the same; the file is read again next time.
        }
    }

    /// <summary>What is not as it was written is forgotten.</summary>
    private JsonObject Load()
    {
        if (!File.Exists(_path))
            return [];
        try
        {
            using JsonDocument json = StrictJson.Load(_path, ExitCode.Config, MaxBytes);
            return JsonObject.Create(json.RootElement.Clone()) ?? [];
        }
        catch (Exception exception) when (exception is RunException or InvalidOperationException)
        {
            return [];
        }
    }

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
