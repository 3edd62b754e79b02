using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;
using FastCpt.Engine.Evaluation;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>The numbers of a study of adapters as JSON, in results.json; undefined ones are null.</summary>
public static class AdapterResultsFile
{
    private const int MaxBytes = 64 << 20, MostRuns = 10_000, MostOverlaps = 16;

    public static string ToText(AdapterStudyResults results) => ConfigText.Json(ToJson(results));

    public static JsonObject ToJson(AdapterStudyResults results) => new()
    {
        ["kind"] = AdapterStudyConfig.Kind,
        ["name"] = results.Name,
        ["tool"] = results.Tool,
        ["device"] = results.Device,
        ["config"] = results.Config,
        ["notes"] = new JsonArray([.. results.Notes.Select(note => (JsonNode)note)]),
        ["locales"] = new JsonArray([.. results.Locales.Select(locale => locale.ToJson())]),
        ["monos"] = new JsonArray([.. results.Monos.Select(ToJson)]),
        ["multis"] = new JsonArray([.. results.Multis.Select(ToJson)]),
        ["fusions"] = new JsonArray([.. results.Fusions.Select(ToJson)]),
        ["sequences"] = new JsonArray([.. results.Sequences.Select(ToJson)]),
    };

    /// <summary>Whether a file holds such results, and not those of a study of families.</summary>
    /// <exception cref="RunException">Exit 3: the file cannot be read.</exception>
    public static bool IsAt(string path)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        return json.RootElement.ValueKind == JsonValueKind.Object
            && json.RootElement.TryGetProperty("kind", out JsonElement kind)
            && kind.ValueKind == JsonValueKind.String && kind.GetString() == AdapterStudyConfig.Kind;
    }

    /// <exception cref="RunException">Exit 3: the file cannot be read, or is no such study's results.</exception>
    public static AdapterStudyResults Load(string path)
    {
        using JsonDocument json = StrictJson.Load(path, ExitCode.Config, MaxBytes);
        try
        {
            return Read(json.RootElement);
        }
        catch (Exception exception) when (exception is InvalidOperationException or FormatException
            or KeyNotFoundException or ArgumentException)
        {
            throw new RunException(
                ExitCode.Config, $"{path}: these are not the results of a study of adapters: {exception.Message}",
                exception);
        }
    }

    private static AdapterStudyResults Read(JsonElement root)
    {
        StudyLocale[] locales = [.. root.GetProperty("locales").EnumerateArray().Select(StudyLocale.Read)];
        string[] codes = [.. locales.Select(locale => locale.Code)];
        if (codes.Length == 0 || codes.Distinct().Count() < codes.Length
            || codes.FirstOrDefault(code => MassiveLocale.All.All(known => known.Code != code)) is not null)
            throw new FormatException("locales: there is none, one is there twice, or MASSIVE has no such locale.");
        if (locales[0].Overlaps.Count > MostOverlaps || locales.Any(
            locale => !locale.Overlaps.Keys.Order().SequenceEqual(locales[0].Overlaps.Keys.Order())))
            throw new FormatException(
                $"locales: overlaps are not by the same measures in all of them, or by more than {MostOverlaps}.");
        var results = new AdapterStudyResults(
            ResultValues.Text(root, "name"), ResultValues.Text(root, "tool"), ResultValues.Text(root, "device"),
            [.. root.GetProperty("notes").EnumerateArray().Select(ResultValues.Text)], locales,
            [.. Runs(root, "monos").Select(one => ReadSingle(one, SharingStrategy.Mono, codes))],
            [.. Runs(root, "multis").Select(one => ReadSingle(one, SharingStrategy.Multi, codes))],
            [.. Runs(root, "sequences").Select(one => ReadSequence(one, codes))])
        {
            Config = root.TryGetProperty("config", out _) ? ResultValues.Text(root, "config") : "",
            Fusions = root.TryGetProperty("fusions", out _)
                ? [.. Runs(root, "fusions").Select(one => ReadSingle(one, SharingStrategy.Fusion, codes))] : [],
        };
        if (results.Sequences.GroupBy(one => one.Order).FirstOrDefault(order => order.Any(
            one => !one.Matrix.Locales.SequenceEqual(order.First().Matrix.Locales))) is { } uneven)
            throw new FormatException($"sequences: the order '{YamlNode.Shown(uneven.Key)}' is not the same in all.");
        RequireOnce("monos", results.Monos.Select(one => one.Seed));
        RequireOnce("multis", results.Multis.Select(one => one.Seed));
        RequireOnce("fusions", results.Fusions.Select(one => (one.System, one.Seed)));
        RequireOnce("sequences", results.Sequences.Select(one => (one.System, one.Order, one.Seed)));
        return results;
    }

    private static void RequireOnce<T>(string name, IEnumerable<T> keys)
    {
        T[] all = [.. keys];
        if (all.Distinct().Count() < all.Length)
            throw new FormatException($"{name}: one of them is there twice.");
    }

    private static JsonElement.ArrayEnumerator Runs(JsonElement root, string name) =>
        root.GetProperty(name).GetArrayLength() is <= MostRuns
            ? root.GetProperty(name).EnumerateArray()
            : throw new FormatException($"{name}: more than {MostRuns}.");

    private static JsonObject ToJson(SingleResult single) => new()
    {
        ["rank"] = single.Rank,
        ["seed"] = single.Seed,
        ["parameters"] = single.Parameters,
        ["f1"] = ToJson(single.F1),
        ["strict_f1"] = ToJson(single.StrictF1),
    };

    private static JsonObject ToJson(SequenceResult sequence)
    {
        TransferMatrix r = sequence.Matrix;
        return new JsonObject
        {
            ["strategy"] = EnumWord.Of(sequence.Strategy),
            ["rank"] = sequence.Rank,
            ["seed"] = sequence.Seed,
            ["order"] = sequence.Order,
            ["parameters"] = sequence.Parameters,
            ["locales"] = new JsonArray([.. r.Locales.Select(locale => (JsonNode)locale)]),
            ["r"] = new JsonArray([.. Enumerable.Range(0, r.Count + 1).Select(step => (JsonNode)new JsonArray(
                [.. Enumerable.Range(1, r.Count).Select(position => (JsonNode?)r[step, position])]))]),
            ["strict_at_end"] = ToJson(sequence.StrictAtEnd),
        };
    }

    private static JsonObject ToJson(IReadOnlyDictionary<string, double> scores) =>
        new(scores.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));

    private static SingleResult ReadSingle(JsonElement single, SharingStrategy strategy, string[] locales) => new(
        strategy, single.GetProperty("seed").GetUInt64(), ResultValues.Count(single, "parameters"),
        ResultValues.Scores(single.GetProperty("f1"), locales),
        ResultValues.Scores(single.GetProperty("strict_f1"), locales))
    {
        Rank = Rank(single),
    };

    /// <summary>Null where there is none; the key may be missing.</summary>
    private static int? Rank(JsonElement run) =>
        run.TryGetProperty("rank", out JsonElement rank) && rank.ValueKind != JsonValueKind.Null
            ? (int)ResultValues.Count(run, "rank", int.MaxValue) : null;

    private static SequenceResult ReadSequence(JsonElement sequence, string[] locales)
    {
        var r = new TransferMatrix([.. sequence.GetProperty("locales").EnumerateArray().Select(ResultValues.Text)]);
        if (r.Locales.FirstOrDefault(locale => !locales.Contains(locale)) is { } unknown)
            throw new FormatException($"a sequence learns '{YamlNode.Shown(unknown)}', which is not among locales.");
        JsonElement rows = sequence.GetProperty("r");
        if (rows.GetArrayLength() != r.Count + 1
            || rows.EnumerateArray().Any(row => row.GetArrayLength() != r.Count))
            throw new FormatException($"r is not {r.Count + 1} rows of {r.Count}.");
        for (int step = 0; step <= r.Count; step++)
            for (int position = 1; position <= r.Count; position++)
                if (rows[step][position - 1] is var cell && cell.ValueKind != JsonValueKind.Null)
                    r[step, position] = ResultValues.Share(cell);
        string strategy = ResultValues.Text(sequence, "strategy");
        return new SequenceResult(
            EnumWord.Find<SharingStrategy>(strategy) is { } known
                and not (SharingStrategy.Mono or SharingStrategy.Multi or SharingStrategy.Fusion)
                ? known : throw new FormatException($"'{YamlNode.Shown(strategy)}' is no strategy of sequences."),
            Rank(sequence), sequence.GetProperty("seed").GetUInt64(), ResultValues.Text(sequence, "order"),
            ResultValues.Count(sequence, "parameters"), r,
            ResultValues.Scores(sequence.GetProperty("strict_at_end"), r.Locales));
    }
}
