using System.Text.Json;
using FastCpt.Engine.Config;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Evaluation;

/// <summary>A <see cref="TransferRecord"/> as JSON: undefined cells are null, numbers come back to the bit.</summary>
public static class TransferFile
{
    private const int MaxBytes = 16 << 20, MostLocales = 1000;

    private static readonly string[] Keys =
        ["strategy", "order", "rank", "init_seed", "data_seed", "order_seed", "labels", "untrained", "locales", "r"];

    /// <exception cref="RunException">Exit 6: the file cannot be written.</exception>
    public static void Save(string path, TransferRecord record) => AtomicFile.Write(path, ToBytes(record));

    /// <summary>The file's content.</summary>
    public static byte[] ToBytes(TransferRecord record)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
            Write(json, record);
        bytes.WriteByte((byte)'\n');
        return bytes.ToArray();
    }

    /// <exception cref="RunException">Exit 3: the file cannot be read, or is no such record.</exception>
    public static TransferRecord Load(string path)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        try
        {
            return Read(json.RootElement);
        }
        catch (Exception exception) when (exception is InvalidOperationException or FormatException)
        {
            throw new RunException(
                ExitCode.Config, $"{path}: this is no matrix of scores: {exception.Message}", exception);
        }
    }

    private static void Write(Utf8JsonWriter json, TransferRecord record)
    {
        TransferMatrix r = record.Scores;
        json.WriteStartObject();
        json.WriteString("strategy", EnumWord.Of(record.Strategy));
        json.WriteString("order", record.Order);
        Number("rank", (ulong?)record.Rank);
        json.WriteNumber("init_seed", record.InitSeed);
        json.WriteNumber("data_seed", record.DataSeed);
        Number("order_seed", record.OrderSeed);
        json.WriteString("labels", EnumWord.Of(record.Labels));
        json.WriteString("untrained", EnumWord.Of(record.Untrained));
        json.WriteStartArray("locales");
        foreach (string locale in r.Locales)
            json.WriteStringValue(locale);
        json.WriteEndArray();
        json.WriteStartArray("r");
        for (int step = 0; step <= r.Count; step++)
        {
            json.WriteStartArray();
            for (int position = 1; position <= r.Count; position++)
                if (r[step, position] is { } score)
                    json.WriteNumberValue(score);
                else
                    json.WriteNullValue();
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();

        void Number(string key, ulong? value)
        {
            if (value is { } number)
                json.WriteNumber(key, number);
            else
                json.WriteNull(key);
        }
    }

    private static TransferRecord Read(JsonElement root)
    {
        if (root.EnumerateObject().Select(property => property.Name).FirstOrDefault(name => !Keys.Contains(name))
            is { } unknown)
            throw new FormatException($"the key '{YamlNode.Shown(unknown)}' is not known.");
        string[] locales = [.. Property(root, "locales").EnumerateArray().Select(String)];
        if (locales.Length is 0 or > MostLocales || locales.Distinct().Count() < locales.Length)
            throw new FormatException($"locales: {locales.Length}, expected 1 to {MostLocales}, each once.");
        var r = new TransferMatrix(locales);
        JsonElement rows = Property(root, "r");
        Require(rows, r.Count + 1, "r");
        for (int step = 0; step <= r.Count; step++)
        {
            Require(rows[step], r.Count, $"row {step} of r");
            for (int position = 1; position <= r.Count; position++)
                if (rows[step][position - 1] is var cell && cell.ValueKind != JsonValueKind.Null)
                    r[step, position] = Score(cell);
        }

        return new TransferRecord(
            r, String(Property(root, "order")), Word<SharingStrategy>(root, "strategy"),
            Property(root, "rank") is var rank && rank.ValueKind == JsonValueKind.Null ? null : Rank(rank),
            Property(root, "init_seed").GetUInt64(), Property(root, "data_seed").GetUInt64(),
            Property(root, "order_seed") is var seed && seed.ValueKind == JsonValueKind.Null ? null : seed.GetUInt64(),
            Word<LabelMode>(root, "labels"), Word<UntrainedPolicy>(root, "untrained"));
    }

    private static int Rank(JsonElement value) => value.GetInt32() is >= 1 and var rank
        ? rank
        : throw new FormatException($"rank is {value.GetRawText()}, expected at least 1.");

    private static double Score(JsonElement cell) => cell.GetDouble() is >= 0 and <= 1 and var score
        ? score
        : throw new FormatException($"r holds {cell.GetRawText()}, expected scores from 0 to 1.");

    private static void Require(JsonElement array, int count, string name)
    {
        if (array.GetArrayLength() != count)
            throw new FormatException($"{name} has {array.GetArrayLength()} entries, expected {count}.");
    }

    private static JsonElement Property(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value)
            ? value
            : throw new FormatException($"'{name}' is missing.");

    private static T Word<T>(JsonElement root, string name)
        where T : struct, Enum =>
        EnumWord.Find<T>(String(Property(root, name)))
            ?? throw new FormatException($"{name}: '{YamlNode.Shown(String(Property(root, name)))}' is not known.");

    private static string String(JsonElement value) =>
        value.GetString() ?? throw new FormatException("a string is null.");
}
