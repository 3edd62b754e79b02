using System.Collections.Frozen;
using System.Text.Json;

namespace FastCpt.Engine.Adapters;

/// <summary>Keys of adapter_config.json that would change what an adapter computes: refused unless they are off.
/// </summary>
internal static class PeftUnsupported
{
    /// <summary>Refused with any value but null, false, 0, "none" or something empty.</summary>
    internal static readonly string[] Mathematics =
    [
        "alora_invocation_tokens", "arrow_config", "bias", "ensure_weight_tying", "fan_in_fan_out", "layer_replication",
        "lora_bias", "megatron_config", "monteclora_config", "target_parameters", "trainable_token_indices",
        "use_bdlora", "use_dora", "use_qalora", "velora_config",
    ];

    /// <summary>Starts of values of init_lora_weights that change the base as well, so that an adapter belongs to a
    /// base that is not stored.</summary>
    internal static readonly string[] BaseChangingStarts = ["pissa", "olora", "corda", "loftq", "lora_ga"];

    /// <summary>Read here, or known to change nothing of a trained adapter.</summary>
    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.Ordinal,
        "alpha_pattern", "auto_mapping", "base_model_name_or_path", "corda_config", "eva_config", "exclude_modules",
        "inference_mode", "init_lora_weights", "layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha",
        "lora_dropout", "lora_ga_config", "megatron_core", "modules_to_save", "peft_type", "peft_version",
        "qalora_group_size", "r", "rank_pattern", "revision", "runtime_config", "target_modules", "task_type",
        "use_rslora");

    /// <exception cref="Files.RunException">Exit 4, naming every key at fault.</exception>
    public static void Check(PeftKeys keys, Action<string> warn)
    {
        List<string> refused = [.. Mathematics.Where(key => keys.Find(key) is { } value && !IsOff(value))];
        if (keys.Find("init_lora_weights") is { ValueKind: JsonValueKind.String } start
            && Array.Exists(BaseChangingStarts, word => start.GetString()!.StartsWith(  // a string is not null
                word, StringComparison.OrdinalIgnoreCase)))
            refused.Add("init_lora_weights");
        if (refused.Count > 0)
            throw keys.Refuse(
                $"{string.Join(", ", refused.Select(key => $"{key} is {keys.Find(key)!.Value.GetRawText()}"))}: this "
                + "changes what the adapter or its base computes, and is not known here. Merge it with the tool that "
                + "made it, and use the merged model.");
        string[] unknown = [.. keys.All.Keys
            .Where(key => !Known.Contains(key) && !Mathematics.Contains(key) && keys.Find(key) is { } value
                && !IsOff(value))];
        if (unknown.Length > 0)
            warn($"{keys.Path}: {unknown.Length} unknown keys are ignored: {string.Join(", ", unknown.Take(8))}.");
    }

    private static bool IsOff(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False => true,
        JsonValueKind.Number => value.GetDouble() == 0,
        JsonValueKind.String => value.GetString() is "" or "none",
        JsonValueKind.Object => !value.EnumerateObject().MoveNext(),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };
}
