using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>Low-rank adapters that a run trains in place of the model, under PEFT's names and defaults.</summary>
public sealed record AdapterConfig
{
    public int Rank { get; init; } = 8;
    public double Alpha { get; init; } = 8;
    public bool UseRsLora { get; init; }
    public double Dropout { get; init; }

    /// <summary>Names of linear layers or what they end with, or one regular expression.</summary>
    public NamesOrPattern Targets { get; init; } = new(["q_proj", "v_proj"]);

    public NamesOrPattern Excluded { get; init; } = new([]);

    /// <summary>Null for all layers.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    public IReadOnlyList<string> LayersPattern { get; init; } = [];

    /// <summary>In the order of their keys, which is how adapter_config.json keeps them.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <inheritdoc cref="RankPattern"/>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    internal static readonly Section<AdapterConfig> Section = new Section<AdapterConfig>(new AdapterConfig())
        .Add("r", Int(1, 1 << 14), c => c.Rank, (c, v) => c with { Rank = v }, "Rank of the adapters.")
        .Add("lora_alpha", NumberAbove(0, 1e6), c => c.Alpha, (c, v) => c with { Alpha = v },
            "B A is multiplied by lora_alpha / r.")
        .Add("lora_dropout", Number(0, 0.99), c => c.Dropout, (c, v) => c with { Dropout = v },
            "Share of the adapters' inputs that is left out while training.")
        .Add("use_rslora", Flag, c => c.UseRsLora, (c, v) => c with { UseRsLora = v },
            "Multiplies by lora_alpha / sqrt(r) instead.")
        .Add("target_modules", ModuleTypes.Names, c => c.Targets, (c, v) => c with { Targets = v },
            "Linear layers that get an adapter: a list of names or their ends, all-linear, or one regular expression.")
        .Add("exclude_modules", ModuleTypes.Names, c => c.Excluded, (c, v) => c with { Excluded = v },
            "Layers that get none in any case: a list of names or their ends, or one regular expression.")
        .Add("layers_to_transform", Optional(List(Int(0, 511))), c => c.LayersToTransform,
            (c, v) => c with { LayersToTransform = v }, "Numbers of the layers with adapters; null: all.")
        .Add("layers_pattern", List(Text), c => c.LayersPattern, (c, v) => c with { LayersPattern = v },
            "What stands before the number of such a layer; anything if not given.")
        .Add("rank_pattern", ModuleTypes.Patterns(Int(1, 1 << 14)), c => c.RankPattern,
            (c, v) => c with { RankPattern = v }, "Other ranks, by regular expressions that names end with.")
        .Add("alpha_pattern", ModuleTypes.Patterns(NumberAbove(0, 1e6)), c => c.AlphaPattern,
            (c, v) => c with { AlphaPattern = v }, "Other values of lora_alpha, likewise.")
        .Check(c => c.Targets.Pattern is null && c.Targets.Names.Count == 0
            ? ("target_modules", "the list is empty; name linear layers, or all-linear.") : null);
}
