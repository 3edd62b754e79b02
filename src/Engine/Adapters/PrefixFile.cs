using System.Text.Json;
using System.Text.Json.Nodes;
using FastCpt.Engine.Checkpoints;
using FastCpt.Engine.Files;
using FastCpt.Engine.Models;
using FastCpt.Kernels;

namespace FastCpt.Engine.Adapters;

/// <summary>A prefix as PEFT stores it: PREFIX_TUNING without its projection.</summary>
/// <remarks>
/// One tensor <c>prompt_embeddings</c> [P, layers · 2 · C]: in every row the key of layer 0, its value, the key of
/// layer 1 and so on. Hugging Face's encoders count a prefix among the positions of the sentence; here, as in the
/// paper, a sentence's positions are its own.
/// </remarks>
internal static class PrefixFile
{
    public const string FileName = "adapter_config.json", PeftType = "PREFIX_TUNING";

    /// <summary>What heads' names begin with.</summary>
    public const string HeadPrefix = "base_model.";

    private const string Key = "prompt_embeddings";

    private static readonly string[] Known =
        ["auto_mapping", "encoder_hidden_size", "inference_mode", "init_weights", "peft_version", "revision"];

    /// <param name="taskType">What the base is trained for: TOKEN_CLS; null for a bare model.</param>
    public static JsonObject Config(Model model, PrefixSettings settings, string? taskType, string? baseName) => new()
    {
        ["auto_mapping"] = null,
        ["base_model_name_or_path"] = baseName,
        ["encoder_hidden_size"] = model.Config.Width,
        ["inference_mode"] = true,
        ["num_attention_heads"] = model.Sites[0].KeyHeads,
        ["num_layers"] = model.Sites.Count,
        ["num_transformer_submodules"] = 1,
        ["num_virtual_tokens"] = settings.Length,
        ["peft_type"] = PeftType,
        ["peft_version"] = "0",
        ["prefix_projection"] = false,
        ["revision"] = null,
        ["task_type"] = taskType,
        ["token_dim"] = model.Config.Width,
    };

    /// <exception cref="RunException">Exit 4: malformed, another kind of adapter, or one of another model.</exception>
    public static PrefixSettings Read(ConfigObject config, Model model, Action<string> warn)
    {
        if (config.Text("peft_type") is var kind && kind != PeftType)
            throw config.Refuse($"peft_type is \"{YamlNode.Shown(kind ?? "null")}\", expected \"{PeftType}\".");
        if (config.FlagOrNull("prefix_projection") is true)
            throw config.Refuse(
                "prefix_projection is true: prefixes made by a projection are not known here. Train without it.");
        int length = LengthOf(config);
        Require("num_transformer_submodules", 1);
        Require("num_layers", model.Sites.Count);
        Require("token_dim", model.Config.Width);
        Require("num_attention_heads", model.Sites[0].KeyHeads);
        config.Text("task_type");
        config.Text("base_model_name_or_path");
        foreach (string key in Known)
            config.Skip(key);
        string[] unknown = [.. config.Unread.Where(entry => entry.Value.ValueKind is not
            (JsonValueKind.Null or JsonValueKind.False)).Select(entry => entry.Key)];
        if (unknown.Length > 0)
            warn($"{config.Source}: {unknown.Length} unknown keys are ignored: {string.Join(", ", unknown.Take(8))}.");
        return new PrefixSettings { Length = length };

        void Require(string key, int expected)
        {
            if (config.WholeOrNull(key, 0, int.MaxValue) is { } found && found != expected)
                throw config.Refuse(FormattableString.Invariant($"{key} is {found}, but the model has {expected}."));
        }
    }

    /// <exception cref="RunException">Exit 4: there is no length.</exception>
    public static int LengthOf(ConfigObject config) =>
        config.Whole("num_virtual_tokens", 1, PrefixSettings.MostLength, fallback: 0) is > 0 and var length ? length
            : throw config.Refuse("num_virtual_tokens is missing, expected the length of the prefix.");

    public static TensorEntry Entry(Model model, PrefixSettings settings) =>
        new(Key, DType.F32, [settings.Length, 2L * model.Sites.Count * model.Sites[0].KeyWidth]);

    /// <summary>Rows of parameters in the order of the file.</summary>
    /// <param name="valueOf">[P, C] of a parameter, by its name.</param>
    public static IEnumerable<Tensor> Rows(Model model, Func<string, Tensor> valueOf, int length)
    {
        for (int row = 0; row < length; row++)
            foreach (AdapterSite site in model.Sites)
            {
                yield return valueOf($"{site.Name}.{PrefixSettings.KeyName}").Slice(row, 1);
                yield return valueOf($"{site.Name}.{PrefixSettings.ValueName}").Slice(row, 1);
            }
    }
}
