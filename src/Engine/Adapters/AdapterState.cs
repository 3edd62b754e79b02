using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Adapters;

/// <summary>cpt_state.json beside an adapter: what it was trained by and belongs to; other tools pass over it.
/// </summary>
/// <remarks>What is null is not known of this adapter. lora-sharing.md 5.</remarks>
public sealed record AdapterState
{
    public const string FileName = "cpt_state.json";

    /// <summary>Of a state of a study: its path there.</summary>
    public string? Name { get; init; }

    public string? Strategy { get; init; }

    /// <summary>What was learned last; several at once are joined by '+'.</summary>
    public string? Locale { get; init; }

    /// <summary>Of fresh weights.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Of the order of sentences, and of dropout.</summary>
    public ulong? DataSeed { get; init; }

    /// <summary>Updates done, or how many languages were learned one after the other.</summary>
    public long? Step { get; init; }

    /// <summary>What was learned, first to last.</summary>
    public IReadOnlyList<string> Order { get; init; } = [];

    /// <summary>What the rows of the head stand for; empty where there is no head.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    public string? TokenizerSha256 { get; init; }

    /// <summary>SHA-256 of the base's weight files, by name.</summary>
    public IReadOnlyDictionary<string, string> Base { get; init; } = new Dictionary<string, string>();

    public double? DevF1 { get; init; }

    /// <summary>By locale.</summary>
    public IReadOnlyDictionary<string, double> TestF1 { get; init; } = new Dictionary<string, double>();

    /// <summary>SHA-256 of every weight file of a base.</summary>
    public static IReadOnlyDictionary<string, string> HashesOf(string folder) =>
        Directory.GetFiles(folder, "*.safetensors").Order(StringComparer.Ordinal)
            .ToDictionary(path => Path.GetFileName(path), path => FileHash.Of(path));

    public static string HashOf(IEnumerable<string> labels) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', labels))));

    /// <summary>The state beside an adapter; null where there is none.</summary>
    /// <exception cref="RunException">Exit 4: it is malformed, or its labels are not those of their hash.</exception>
    public static AdapterState? Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return null;
        using JsonDocument document = StrictJson.Load(path, ExitCode.ModelFile);
        try
        {
            return Read(document.RootElement);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new RunException(ExitCode.ModelFile, $"{path}: is not what this program writes: {e.Message}", e);
        }
    }

    public byte[] ToBytes()
    {
        var json = new JsonObject
        {
            ["name"] = Name, ["strategy"] = Strategy, ["locale"] = Locale, ["seed"] = Seed, ["data_seed"] = DataSeed,
            ["step"] = Step,
            ["order"] = new JsonArray([.. Order.Select(locale => JsonValue.Create(locale))]),
            ["labels"] = new JsonArray([.. Labels.Select(label => JsonValue.Create(label))]),
            ["labels_sha256"] = HashOf(Labels), ["tokenizer_sha256"] = TokenizerSha256,
            ["base_sha256"] = new JsonObject(Base.OrderBy(file => file.Key, StringComparer.Ordinal).Select(
                file => KeyValuePair.Create(file.Key, (JsonNode?)JsonValue.Create(file.Value)))),
            ["dev_f1"] = DevF1,
            ["test_f1"] = new JsonObject(TestF1.OrderBy(score => score.Key, StringComparer.Ordinal).Select(
                score => KeyValuePair.Create(score.Key, (JsonNode?)JsonValue.Create(score.Value)))),
        };
        var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
            json.WriteTo(writer);
        stream.Write("\n"u8);
        return stream.ToArray();
    }

    /// <summary>Holds an adapter against the base, the tokenizer and the labels that it is to be used with.</summary>
    /// <remarks>What is not known of the adapter is not compared.</remarks>
    /// <param name="folder">Of the adapter; what messages name.</param>
    /// <param name="labels">Null where none are used.</param>
    /// <param name="tokenizerSha256">Null where none is used.</param>
    /// <param name="warn">Told what differs; null to refuse it.</param>
    /// <exception cref="RunException">Exit 4: something differs.</exception>
    public void Require(
        string folder, IReadOnlyDictionary<string, string> baseHashes, IReadOnlyList<string>? labels,
        string? tokenizerSha256, Action<string>? warn)
    {
        string[] differing =
        [
            .. Base.Count > 0 && !Base.OrderBy(file => file.Key, StringComparer.Ordinal).SequenceEqual(
                baseHashes.OrderBy(file => file.Key, StringComparer.Ordinal)) ? ["the base's weights"] : (string[])[],
            .. labels is not null && Labels.Count > 0 && !labels.SequenceEqual(Labels)
                ? ["the list of labels"] : (string[])[],
            .. tokenizerSha256 is not null && TokenizerSha256 is { } tokenizer && tokenizer != tokenizerSha256
                ? ["the tokenizer"] : (string[])[],
        ];
        if (differing.Length == 0)
            return;
        string message = $"{folder}: was trained with other values of {string.Join(" and ", differing)} than it is "
            + "used with.";
        if (warn is null)
            throw new RunException(
                ExitCode.ModelFile, $"{message} Use its own, or allow others with --other-base.");
        warn(message);
    }

    private static AdapterState Read(JsonElement json)
    {
        var state = new AdapterState
        {
            Name = Text("name"), Strategy = Text("strategy"), Locale = Text("locale"),
            TokenizerSha256 = Text("tokenizer_sha256"), Seed = Find("seed")?.GetUInt64(),
            DataSeed = Find("data_seed")?.GetUInt64(), Step = Find("step")?.GetInt64(),
            Order = Texts("order"), Labels = Texts("labels"),
            Base = Find("base_sha256")?.EnumerateObject().ToDictionary(
                file => file.Name, file => file.Value.GetString() ?? "") ?? [],
            DevF1 = Find("dev_f1")?.GetDouble(),
            TestF1 = Find("test_f1")?.EnumerateObject().ToDictionary(
                score => score.Name, score => score.Value.GetDouble()) ?? [],
        };
        return Text("labels_sha256") is { } hash && hash != HashOf(state.Labels)
            ? throw new FormatException("labels_sha256 is not the hash of labels.")
            : state;

        JsonElement? Find(string key) =>
            json.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

        string? Text(string key) => Find(key)?.GetString();

        string[] Texts(string key) =>
            Find(key) is { } list ? [.. list.EnumerateArray().Select(item => item.GetString() ?? "")] : [];
    }
}
