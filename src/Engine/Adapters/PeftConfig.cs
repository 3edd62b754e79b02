using System.Text.Json;
using FastCpt.Engine.Files;

namespace FastCpt.Engine.Adapters;

/// <summary>adapter_config.json: what PEFT says of an adapter besides its tensors.</summary>
/// <param name="Settings">What decides the mathematics.</param>
public sealed record PeftConfig(LoraSettings Settings)
{
    public const string FileName = "adapter_config.json";

    /// <summary>What the base is trained for: CAUSAL_LM, TOKEN_CLS; null for a bare model.</summary>
    public string? TaskType { get; init; }

    /// <summary>Folder or published name of the base.</summary>
    public string? Base { get; init; }

    /// <summary>The file's keys with their values as they are spelled; empty where it is yet to be written.</summary>
    public IReadOnlyDictionary<string, JsonElement> Keys { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>Modules that PEFT stores whole for a task without being told.</summary>
    internal static IReadOnlyList<string> SavedWith(string? taskType) =>
        taskType is "TOKEN_CLS" or "SEQ_CLS" ? ["classifier", "score"] : [];

    /// <param name="warn">Told the keys that are not known.</param>
    /// <exception cref="RunException">Exit 4: malformed, or an adapter whose mathematics is not known here.</exception>
    public static PeftConfig Read(string path, Action<string> warn)
    {
        using JsonDocument document = StrictJson.Load(path, ExitCode.ModelFile);
        var keys = new PeftKeys(document.RootElement, path);
        string kind = keys.Text("peft_type") ?? throw keys.Refuse("has no peft_type, expected \"LORA\".");
        if (kind != "LORA")
            throw keys.Refuse(
                $"peft_type is \"{YamlNode.Shown(kind)}\", and of PEFT's kinds only \"LORA\" is known here. Merge the "
                + "adapter into its model with the tool that made it, and give the folder of that.");
        var (targets, targetPattern) = keys.NamesOrPattern("target_modules");
        if (targets.Count == 0 && targetPattern is null)
            throw keys.Refuse("target_modules names nothing; expected names of modules or a regular expression.");
        if (string.Equals(targetPattern, LoraSettings.AllLinear, StringComparison.OrdinalIgnoreCase))
            (targets, targetPattern) = ([LoraSettings.AllLinear], null);
        var (excluded, excludedPattern) = keys.NamesOrPattern("exclude_modules");
        var settings = new LoraSettings
        {
            Rank = keys.Whole("r", 1, PeftKeys.MostRank) ?? 8,
            Alpha = keys.Number("lora_alpha") ?? 8,
            Dropout = keys.Number("lora_dropout") ?? 0,
            UseRsLora = keys.Flag("use_rslora") ?? false,
            Targets = targets,
            TargetPattern = targetPattern,
            ExcludedModules = excluded,
            ExcludedPattern = excludedPattern,
            LayersToTransform = keys.Wholes("layers_to_transform"),
            LayersPattern = keys.Texts("layers_pattern"),
            RankPattern = keys.Ranks("rank_pattern"),
            AlphaPattern = keys.Numbers("alpha_pattern"),
            ModulesToSave = keys.Texts("modules_to_save"),
        };
        var config = new PeftConfig(settings)
        {
            TaskType = keys.Text("task_type"),
            Base = keys.Text("base_model_name_or_path"),
            Keys = keys.All,
        };
        PeftUnsupported.Check(keys, warn);
        try
        {
            _ = new LoraTargets(settings);
        }
        catch (RunException e)
        {
            throw keys.Refuse(e.Message);
        }

        return config;
    }
}
