using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Alignment;

/// <summary>The record beside a merged model: what was done, to what, with which numbers.</summary>
/// <remarks>Inputs are known by the hashes of their files; no path and no time is in it, so that it can be compared.
/// </remarks>
internal static class MergeManifest
{
    public const string FileName = "merge.json";

    public static void Write(Stream stream, string operation, JsonObject parameters, JsonArray inputs)
    {
        var manifest = new JsonObject
        {
            ["fastcpt"] = ToolVersion.Text,
            ["operation"] = operation,
            ["parameters"] = parameters,
            ["inputs"] = inputs,
        };
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
            manifest.WriteTo(json);
        stream.Write("\n"u8);
    }

    /// <summary>An input with the SHA-256 of every weight file.</summary>
    /// <param name="hashes">Of the files that tensors were read from, by name; others are read whole.</param>
    public static JsonObject Describe(MergeInput input, string role, IReadOnlyDictionary<string, string> hashes)
    {
        var files = new JsonObject();
        foreach (string path in Directory.GetFiles(input.Folder, "*.safetensors").Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileName(path);
            files.Add(name, hashes.TryGetValue(name, out string? hash) ? hash : FileHash.Of(path));
        }
        return new JsonObject { ["id"] = input.Id, ["role"] = role, ["sha256"] = files };
    }
}
