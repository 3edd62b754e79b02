using System.Text.Json.Nodes;
using FastCpt.Engine.Adapters;
using FastCpt.Engine.Config;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What decides the numbers of a state, beside what it is made from.</summary>
internal static class SlotRecipe
{
    /// <summary>Sentences, labels, precision and device; not how many are trained or scored at once.</summary>
    /// <param name="hashOf">SHA-256 of a file.</param>
    public static JsonObject Of(
        AdapterStudyConfig config, Func<string, string> hashOf, params ReadOnlySpan<(string Key, JsonNode? Value)> more)
    {
        JsonObject data = (JsonObject)config.ToJson()["data"]!.DeepClone(); // written by ToJson
        data.Remove("files");
        data.Remove("locales");
        var recipe = new JsonObject
        {
            ["data"] = data,
            ["sentences"] = new JsonArray([.. config.Data.Locales.Order(StringComparer.Ordinal).Select(
                locale => (JsonNode)$"{locale} {hashOf(config.Data.FileOf(locale))}")]),
            ["device"] = config.Device,
            ["precision"] = EnumWord.Of(config.Precision),
        };
        foreach (var (key, value) in more)
            recipe[key] = value;
        return recipe;
    }

    /// <summary>Which linear layers have adapters.</summary>
    public static LoraTargets Targets(LoraStudyConfig lora) => new(new LoraSettings { Targets = lora.Targets });

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
        Targets = config.Lora.Targets,
        ModulesToSave = ["classifier", "score"],
        Seed = seed,
    };
}
