using System.Collections.Frozen;
using System.Text.Json;

namespace FastCpt.Engine.Models;

/// <summary>Settles the keys of config.json that no rule of the engine reads.</summary>
/// <remarks>
/// A key that may change what the model computes must not be passed over. Published configs carry dozens of keys
/// that change nothing, and new ones appear every month, so the rule goes by words: a name that speaks of a part of
/// the computation is refused unless its value says that the part is off; any other name is ignored and reported.
/// </remarks>
internal static class UnreadKeys
{
    /// <summary>Known to change nothing here, whatever they say.</summary>
    private static readonly FrozenSet<string> Harmless = FrozenSet.Create(
        StringComparer.Ordinal,
        "_attn_implementation", "_attn_implementation_autoset", "_commit_hash", "_experts_implementation",
        "_name_or_path", "architectures", "attn_implementation", "boi_token_id", "boi_token_index",
        "cache_implementation", "dtype", "eoi_token_id", "eoi_token_index", "forced_bos_token_id",
        "forced_eos_token_id", "decoder_start_token_id", "encoder_no_repeat_ngram_size", "id2label", "image_token_id",
        "image_token_index", "is_decoder", "label2id", "max_window_layers", "mm_tokens_per_image", "name_or_path",
        "no_repeat_ngram_size", "num_logits_to_keep", "output_attentions", "output_hidden_states", "output_scores",
        "pretraining_tp", "return_dict", "sep_token_id", "torch_dtype", "torchscript", "transformers_version",
        "use_cache", "vision_config");

    /// <summary>Words for parts of the computation.</summary>
    private static readonly string[] Parts =
    [
        "act_fn", "activation", "adapter", "alibi", "attention", "attn", "bias", "bidirectional", "cap", "causal",
        "chunk", "compress", "cross", "decoder", "dim", "drop", "embed", "encoder", "expert", "factor", "feed_forward",
        "ffn", "gate", "gating", "head", "hidden", "intermediate", "latent", "layer", "logit", "lora", "mask", "mlp",
        "moe", "multiplier", "mup", "norm", "position", "prun", "quant", "rank", "residual", "rope", "rotary", "rout",
        "scal", "shared", "sink", "sliding", "tie", "window",
    ];

    /// <summary>Words for parts that a model has unless told otherwise, so that "false" would take them away.</summary>
    private static readonly string[] PresentByDefault = ["causal", "norm", "rope", "rotary"];

    /// <param name="ignored">Receives the names of unknown keys that are passed over.</param>
    /// <exception cref="Files.RunException">A key may change what the model computes.</exception>
    public static void Settle(ConfigObject config, List<string> ignored)
    {
        foreach ((string key, JsonElement value) in config.Unread)
        {
            if (Harmless.Contains(key))
                continue;
            if (!Names(Parts, key))
                ignored.Add(key);
            else if (!IsOff(key, value))
                throw config.Refuse(
                    $"{key} is {ConfigObject.Show(value)}. This may change what the model computes, and it is not "
                    + "supported. Remove the key if you know that it changes nothing.");
        }
    }

    /// <summary>Whether a value says that what the key speaks of is not there.</summary>
    private static bool IsOff(string key, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => true,
        JsonValueKind.False => !Names(PresentByDefault, key),
        JsonValueKind.Number => value.GetDouble() == 0 && Names(["drop", "chunk"], key),
        JsonValueKind.Object => !value.EnumerateObject().MoveNext(),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };

    private static bool Names(ReadOnlySpan<string> words, string key)
    {
        foreach (string word in words)
            if (key.Contains(word, StringComparison.OrdinalIgnoreCase))
                return true;
        return false;
    }
}
