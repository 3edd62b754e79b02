using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Tests.Engine.Training;

/// <summary>Changes a checkpoint as somebody would who knows the format: every checksum is right again.</summary>
internal static class CheckpointTampering
{
    private const string Optimizer = "optim.safetensors", Model = "model.safetensors";

    /// <summary>Adds to a number of the run's progress.</summary>
    public static void Shift(string checkpoint, params (string Name, int By)[] changes)
    {
        JsonObject manifest = Manifest(checkpoint);
        foreach ((string name, int by) in changes)
            manifest["state"]![name] = manifest["state"]![name]!.GetValue<long>() + by;
        Seal(checkpoint, manifest);
    }

    /// <summary>Says that it was made with another configuration.</summary>
    public static void Configure(string checkpoint, string fingerprint)
    {
        JsonObject manifest = Manifest(checkpoint);
        manifest["config_sha256"] = fingerprint;
        Seal(checkpoint, manifest);
    }

    /// <summary>Changes the bytes of the optimizer's tensors whose names have an ending.</summary>
    public static void Optimize(string checkpoint, string ending, Action<Span<byte>> change) =>
        Change(checkpoint, Optimizer, ending, change);

    /// <summary>Changes the bytes of a weight.</summary>
    public static void Weight(string checkpoint, string name, Action<Span<byte>> change) =>
        Change(checkpoint, Model, name, change);

    private static void Change(string checkpoint, string file, string ending, Action<Span<byte>> change)
    {
        string path = Path.Combine(checkpoint, file);
        byte[] bytes = File.ReadAllBytes(path);
        int data = 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        JsonObject header = JsonNode.Parse(bytes.AsSpan(8, data - 8))!.AsObject();
        int found = 0;
        foreach ((string name, JsonNode? tensor) in header)
        {
            if (!name.EndsWith(ending, StringComparison.Ordinal))
                continue;
            int[] offsets = tensor!["data_offsets"]!.AsArray().Select(offset => offset!.GetValue<int>()).ToArray();
            change(bytes.AsSpan((data + offsets[0])..(data + offsets[1])));
            found++;
        }

        Assert.That(found, Is.Positive, $"{file} has no tensor {ending}");
        File.WriteAllBytes(path, bytes);
        Seal(checkpoint, Manifest(checkpoint));
    }

    private static JsonObject Manifest(string checkpoint) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(checkpoint, "manifest.json")))!.AsObject();

    private static void Seal(string checkpoint, JsonObject manifest)
    {
        foreach (JsonNode? file in manifest["files"]!.AsArray())
        {
            byte[] bytes = File.ReadAllBytes(Path.Combine(checkpoint, file!["name"]!.GetValue<string>()));
            file["crc32c"] = $"{Crc32C.Of(bytes):x8}";
            file["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes));
        }

        manifest.Remove("manifest_sha256");
        var options = new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" };
        string text = manifest.ToJsonString(options)[..^"\n}".Length];
        string seal = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        File.WriteAllText(
            Path.Combine(checkpoint, "manifest.json"), text + ",\n  \"manifest_sha256\": \"" + seal + "\"\n}\n");
    }
}
