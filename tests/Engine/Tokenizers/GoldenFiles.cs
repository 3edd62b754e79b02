using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Tokenizers;
using FastCpt.Tests.Support;

namespace FastCpt.Tests.Engine.Tokenizers;

/// <summary>Reads tests/Golden/tokenizers, whose makers and formats tests/oracles/tokenizers/README.md names.</summary>
internal static class GoldenFiles
{
    public static string Folder { get; } =
        System.IO.Path.Combine(TestData.RepositoryRoot, "tests", "Golden", "tokenizers");

    public static string Path(string name) => System.IO.Path.Combine(Folder, name);

    /// <summary>Lines end with a newline; a carriage return is part of a line.</summary>
    public static List<byte[]> Lines(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (path.EndsWith(".gz", StringComparison.Ordinal))
        {
            using var unpacked = new MemoryStream();
            using (var packed = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress))
                packed.CopyTo(unpacked);
            bytes = unpacked.ToArray();
        }
        var lines = new List<byte[]>();
        for (int start = 0; start < bytes.Length;)
        {
            int end = Array.IndexOf(bytes, (byte)'\n', start);
            lines.Add(bytes[start..end]);
            start = end + 1;
        }
        return lines;
    }

    /// <summary>Number of ids and SHA-256 over rows of ids, as the oracles write them.</summary>
    public static (int Count, string Sha256) HashIds(Tokenizer tokenizer, List<byte[]> lines)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var ids = new List<int>();
        int count = 0;
        foreach (byte[] line in lines)
        {
            ids.Clear();
            tokenizer.Encode(line, ids);
            count += ids.Count;
            hash.AppendData(Encoding.ASCII.GetBytes(string.Join(' ', ids) + "\n"));
        }
        return (count, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>The tokenizer.json of XLM-R's model, with the steps that the published one declares.</summary>
    public static byte[] XlmRobertaJson(byte[] modelFile)
    {
        var model = SentencePieceModel.Read(modelFile, "model");
        var vocabulary = new JsonArray(Piece("<s>", 0), Piece("<pad>", 0), Piece("</s>", 0), Piece("<unk>", 0));
        for (int id = 3; id < model.Pieces.Count; id++)
            vocabulary.Add(Piece(Encoding.UTF8.GetString(model.Pieces[id]), model.Scores[id]));
        vocabulary.Add(Piece("<mask>", 0));
        var json = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(Added(0, "<s>"), Added(1, "<pad>"), Added(2, "</s>"), Added(3, "<unk>"),
                Added(vocabulary.Count - 1, "<mask>")),
            ["normalizer"] = new JsonObject
            {
                ["type"] = "Precompiled",
                ["precompiled_charsmap"] = Convert.ToBase64String(CharacterMapOf(modelFile)),
            },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(new JsonObject { ["type"] = "WhitespaceSplit" }, Metaspace()),
            },
            ["decoder"] = Metaspace(),
            ["model"] = new JsonObject { ["type"] = "Unigram", ["unk_id"] = 3, ["vocab"] = vocabulary },
        };
        return JsonSerializer.SerializeToUtf8Bytes(json);

        static JsonArray Piece(string text, double score) => new(JsonValue.Create(text), JsonValue.Create(score));
        static JsonObject Added(int id, string text) => new()
        {
            ["id"] = id,
            ["content"] = text,
            ["lstrip"] = text == "<mask>",
            ["normalized"] = false,
            ["special"] = true,
        };
        static JsonObject Metaspace() =>
            new() { ["type"] = "Metaspace", ["replacement"] = "\u2581", ["prepend_scheme"] = "always" };
    }

    /// <summary>Field 2 of field 3 of a SentencePiece model.</summary>
    private static byte[] CharacterMapOf(byte[] modelFile)
    {
        var reader = new ProtobufReader(modelFile, "model");
        while (reader.Next())
        {
            if (reader.Field != 3)
            {
                reader.Skip();
                continue;
            }
            var normalizer = reader.Message();
            while (normalizer.Next())
            {
                if (normalizer.Field == 2)
                    return normalizer.Bytes().ToArray();
                normalizer.Skip();
            }
        }
        return [];
    }
}
