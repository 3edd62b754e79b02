using System.Text.Json.Nodes;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What decides the numbers of states and scores, beside what they are made from.</summary>
internal static class SlotRecipe
{
    private static readonly string[] LaterKeys =
        ["use_rslora", "exclude_modules", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern"];

    /// <summary>Sentences that are learned, labels, precision and device; not how many are trained at once.</summary>
    /// <param name="hashOf">SHA-256 of a file.</param>
    public static JsonObject OfTraining(
        AdapterStudyConfig config, Func<string, string> hashOf, IEnumerable<string> locales,
        params ReadOnlySpan<(string Key, JsonNode? Value)> more)
    {
        JsonObject recipe = Of(config, hashOf, locales, "test_rows");
        foreach (var (key, value) in more)
            recipe[key] = value;
        return recipe;
    }

    /// <summary>Sentences that are scored, labels, precision and device; not how many are scored at once.</summary>
    /// <inheritdoc cref="OfTraining"/>
    public static JsonObject OfScores(
        AdapterStudyConfig config, Func<string, string> hashOf, IEnumerable<string> locales) =>
        Of(config, hashOf, locales, "train_rows", "dev_rows");

    /// <summary>What decides adapters beside their rank. Keys that came later count where they are given: what was
    /// learned before them stays valid.</summary>
    public static JsonObject OfAdapters(AdapterStudyConfig config)
    {
        JsonNode defaults = LoraStudyConfig.Section.ToJson(new LoraStudyConfig());
        var lora = (JsonObject)LoraStudyConfig.Section.ToJson(config.Lora);
        foreach (string key in (ReadOnlySpan<string>)["ranks", "init"])
            lora.Remove(key);
        foreach (string key in LaterKeys)
            if (JsonNode.DeepEquals(lora[key], defaults[key]))
                lora.Remove(key);
        if (config.Adapter != AdapterKind.Lora)
            lora["adapter"] = EnumWord.Of(config.Adapter);
        return lora;
    }

    /// <summary>What is trained at the blocks; null where it is low-rank terms.</summary>
    public static BlockAdapterSettings? Blocks(AdapterStudyConfig config, int rank, ulong seed) => config.Adapter switch
    {
        AdapterKind.Bottleneck => new BottleneckSettings { Width = rank, Seed = seed },
        AdapterKind.Prefix => new PrefixSettings { Length = rank, Seed = seed },
        _ => null,
    };

    public static LoraSettings Lora(AdapterStudyConfig config, int rank, ulong seed) => new()
    {
        Rank = rank,
        Alpha = config.Lora.Alpha ?? rank,
        Dropout = config.Lora.Dropout,
        Targets = config.Lora.Targets.Names,
        TargetPattern = config.Lora.Targets.Pattern,
        UseRsLora = config.Lora.UseRsLora,
        ExcludedModules = config.Lora.Excluded.Names,
        ExcludedPattern = config.Lora.Excluded.Pattern,
        LayersToTransform = config.Lora.LayersToTransform,
        LayersPattern = config.Lora.LayersPattern,
        RankPattern = config.Lora.RankPattern,
        AlphaPattern = config.Lora.AlphaPattern,
        ModulesToSave = ["classifier", "score"],
        Seed = seed,
    };

    /// <param name="unread">Keys of data that decide nothing here.</param>
    private static JsonObject Of(
        AdapterStudyConfig config, Func<string, string> hashOf, IEnumerable<string> locales,
        params ReadOnlySpan<string> unread)
    {
        JsonObject data = (JsonObject)config.ToJson()["data"]!.DeepClone(); // written by ToJson
        foreach (string key in (ReadOnlySpan<string>)["files", "locales", .. unread])
            data.Remove(key);
        return new JsonObject
        {
            ["data"] = data,
            ["sentences"] = new JsonArray([.. locales.Order(StringComparer.Ordinal).Select(
                locale => (JsonNode)$"{locale} {hashOf(config.Data.FileOf(locale))}")]),
            ["device"] = config.Device,
            ["precision"] = EnumWord.Of(config.Precision),
        };
    }
}
