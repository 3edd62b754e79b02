using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Checkpoints;

/// <summary>manifest.json: what a checkpoint holds and the checksums of its files; written last.</summary>
/// <remarks>
/// Its own last member is the SHA-256 of all text before it, so that a flipped bit in a step or a cursor shows as well.
/// </remarks>
internal static class CheckpointManifest
{
    public const string FileName = "manifest.json";

    private const int Version = 1;
    private const int MaxBytes = 64 << 20;
    private const int Sha256Digits = 64;

    private static readonly byte[] SealStart = Encoding.UTF8.GetBytes(",\n  \"manifest_sha256\": \"");
    private static readonly byte[] SealEnd = "\"\n}\n"u8.ToArray();

    public static byte[] Write(long step, CheckpointFacts facts, IEnumerable<FileDigest> files)
    {
        var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteNumber("step", step);
            WriteFacts(json, facts);
            json.WriteStartArray("files");
            foreach (FileDigest file in files)
            {
                json.WriteStartObject();
                json.WriteString("name", file.Name);
                json.WriteNumber("bytes", file.Bytes);
                json.WriteString("crc32c", file.Crc32C.ToString("x8", CultureInfo.InvariantCulture));
                json.WriteString("sha256", file.Sha256);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WritePropertyName("state");
            facts.WriteState(json);
            json.WriteEndObject();
        }
        byte[] text = stream.ToArray()[..^"\n}".Length];
        string seal = Convert.ToHexStringLower(SHA256.HashData(text));
        return [.. text, .. SealStart, .. Encoding.ASCII.GetBytes(seal), .. SealEnd];
    }

    /// <summary>Reads a manifest; does not look at the files that it lists.</summary>
    /// <exception cref="RunException">Exit code 4: missing, damaged, of another version or step.</exception>
    public static Checkpoint Read(string folder, long step)
    {
        string path = Path.Combine(folder, FileName);
        byte[] bytes = InputFile.ReadAllBytes(path, ExitCode.ModelFile, MaxBytes);
        CheckSeal(bytes, path);
        using JsonDocument document = StrictJson.Parse(bytes, path, ExitCode.ModelFile);
        try
        {
            return Read(document.RootElement, folder, step);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException
            or OverflowException)
        {
            throw new RunException(ExitCode.ModelFile, $"{path}: not a manifest of version {Version}: {e.Message}", e);
        }
    }

    private static void WriteFacts(Utf8JsonWriter json, CheckpointFacts facts)
    {
        if (facts.ParentStep is { } parent)
            json.WriteNumber("parent_step", parent);
        json.WriteNumber("tokens", facts.Tokens);
        json.WriteNumber("epoch", facts.Epoch);
        json.WriteString("run_id", facts.RunId);
        json.WriteNumber("attempt", facts.Attempt);
        json.WriteString("config_sha256", facts.ConfigSha256);
        json.WriteString("tool_version", facts.ToolVersion);
        json.WriteString("device", facts.Device);
        if (facts.Metric is { } metric && double.IsFinite(metric))
            json.WriteNumber("metric", metric);
        json.WriteStartObject("health");
        json.WriteBoolean("loss_finite", facts.IsLossFinite);
        json.WriteBoolean("grad_finite", facts.IsGradientFinite);
        json.WriteBoolean("params_finite", facts.AreParametersFinite);
        json.WriteEndObject();
    }

    private static Checkpoint Read(JsonElement root, string folder, long step)
    {
        if (root.GetProperty("version").GetInt32() is var version && version != Version)
            throw new FormatException($"the version is {version}.");
        if (root.GetProperty("step").GetInt64() is var found && found != step)
            throw new FormatException($"the step is {found}, the folder's name says {step}.");
        JsonElement health = root.GetProperty("health");
        JsonElement state = root.GetProperty("state").Clone();
        var facts = new CheckpointFacts
        {
            ParentStep = root.TryGetProperty("parent_step", out JsonElement parent) ? parent.GetInt64() : null,
            Tokens = root.GetProperty("tokens").GetInt64(),
            Epoch = root.GetProperty("epoch").GetDouble(),
            RunId = Text(root, "run_id"),
            Attempt = root.GetProperty("attempt").GetInt32(),
            ConfigSha256 = Text(root, "config_sha256"),
            ToolVersion = Text(root, "tool_version"),
            Device = Text(root, "device"),
            Metric = root.TryGetProperty("metric", out JsonElement metric) ? metric.GetDouble() : null,
            IsLossFinite = health.GetProperty("loss_finite").GetBoolean(),
            IsGradientFinite = health.GetProperty("grad_finite").GetBoolean(),
            AreParametersFinite = health.GetProperty("params_finite").GetBoolean(),
            WriteState = json => state.WriteTo(json),
        };
        FileDigest[] files = [.. root.GetProperty("files").EnumerateArray().Select(ReadFile)];
        return new Checkpoint(folder, step, facts, state, files);
    }

    private static FileDigest ReadFile(JsonElement file)
    {
        string name = Text(file, "name");
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().ContainsAny("/\\\0:"))
            throw new FormatException($"the file name '{YamlNode.Shown(name)}' is not one path component.");
        uint crc = uint.Parse(Text(file, "crc32c"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return new FileDigest(name, file.GetProperty("bytes").GetInt64(), crc, Text(file, "sha256"));
    }

    private static string Text(JsonElement parent, string name) =>
        parent.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null.");

    private static void CheckSeal(byte[] bytes, string path)
    {
        int sealBytes = SealStart.Length + Sha256Digits + SealEnd.Length;
        ReadOnlySpan<byte> text = bytes.AsSpan(0, Math.Max(0, bytes.Length - sealBytes));
        ReadOnlySpan<byte> seal = bytes.AsSpan(text.Length);
        if (!seal.StartsWith(SealStart) || !seal.EndsWith(SealEnd))
            throw new RunException(ExitCode.ModelFile, $"{path}: is cut short, or is not a manifest.");
        string expected = Convert.ToHexStringLower(SHA256.HashData(text));
        if (!seal.Slice(SealStart.Length, Sha256Digits).SequenceEqual(Encoding.ASCII.GetBytes(expected)))
            throw new RunException(ExitCode.ModelFile, $"{path}: its text has changed since it was written.");
    }
}
