using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FastCpt.Engine.Files;

/// <summary>SHA-256 of files, each read once until it changes; remembered in a folder's hashes.json.</summary>
/// <remarks>
/// A file is taken for unchanged while its path and <see cref="InputFile.State"/> are: length, time of the last change
/// and, on Linux, inode and time of the last change of those. What cannot be seen in them is a change within the file
/// system's step of time, so a file that has just changed is not remembered, and bytes that rot on the medium. Where
/// the folder is missing, nothing is remembered.
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
        using InputFile file = InputFile.Open(path, ExitCode.Config);
        if (Known(file) is { } known)
            return known;
        string? state = StateToRemember(file);
        using var hash = new PassingHash(file);
        string found = hash.Finish(CancellationToken.None);
        Remember([(file.Path, state, found)]);
        return found;
    }

    /// <summary>The hash of an open file as it is now; null where it has to be read.</summary>
    internal string? Known(InputFile file)
    {
        _known ??= Load();
        return _known[Path.GetFullPath(file.Path)] is JsonArray { Count: 2 } entry && Text(entry[0]) == file.State
            && Text(entry[1]) is { Length: 2 * SHA256.HashSizeInBytes } hash && hash.All(char.IsAsciiHexDigitLower)
            ? hash
            : null;
    }

    /// <summary>What to remember a file by that is about to be read; null where it has just changed.</summary>
    internal static string? StateToRemember(InputFile file) =>
        DateTime.UtcNow - file.ChangedUtc > Settled ? file.State : null;

    /// <summary>Keeps hashes beside the states that the files had before they were read.</summary>
    internal void Remember(IEnumerable<(string Path, string? State, string Hash)> files)
    {
        (string Path, string? State, string Hash)[] settled = [.. files.Where(file => file.State is not null)];
        if (settled.Length == 0 || !Directory.Exists(folder))
            return;
        _known = Load();        // others may have added to it
        foreach (var (path, state, hash) in settled)
            _known[Path.GetFullPath(path)] = new JsonArray(state, hash);
        try
        {
            AtomicFile.Write(_path, Encoding.UTF8.GetBytes(_known.ToJsonString() + "\n"));
        }
        catch (RunException)
        {
            // The hashes are right all the same; the files are read again next time.
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
