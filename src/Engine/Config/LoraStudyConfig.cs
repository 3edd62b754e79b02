using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>What a fresh adapter of a later language begins from.</summary>
public enum AdapterStart
{
    /// <summary>The seed alone, so that languages do not depend on their order.</summary>
    Fresh,

    /// <summary>The adapter and head of the language before.</summary>
    Previous,
}

/// <summary>The adapters of a study; each rank is a strategy of its own.</summary>
public sealed record LoraStudyConfig
{
    public IReadOnlyList<int> Ranks { get; init; } = [32, 64, 256];

    /// <summary>Null: the rank, so that the scale is 1 at every rank.</summary>
    public double? Alpha { get; init; }

    /// <summary>Of an adapter's input, while training.</summary>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Names of linear layers or what they end with, or one regular expression.</summary>
    public NamesOrPattern Targets { get; init; } = new(["query", "key", "value", "dense"]);

    public bool UseRsLora { get; init; }
    public NamesOrPattern Excluded { get; init; } = new([]);

    /// <summary>Null for all layers.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    public IReadOnlyList<string> LayersPattern { get; init; } = [];

    /// <summary>Ranks of layers that do not have the strategy's, by regular expressions that names end with.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <inheritdoc cref="AdapterConfig.AlphaPattern"/>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    public AdapterStart Init { get; init; }

    /// <summary>Whether something is asked for that only the pairs A and B of linear layers can have.</summary>
    internal bool ShapesPairs =>
        UseRsLora || Excluded.Pattern is not null || Excluded.Names.Count + LayersPattern.Count > 0
        || LayersToTransform is not null || RankPattern.Count + AlphaPattern.Count > 0;

    internal static readonly Section<LoraStudyConfig> Section = new Section<LoraStudyConfig>(new LoraStudyConfig())
        .Add("ranks", List(Int(1, 1 << 14)), c => c.Ranks, (c, v) => c with { Ranks = v },
            "Every strategy with adapters is run at each rank.")
        .Add("alpha", OptionalValue(NumberAbove(0, 1e6)), c => c.Alpha, (c, v) => c with { Alpha = v },
            "B A is multiplied by alpha / rank; null: alpha is the rank.")
        .Add("dropout", Number(0, 0.99), c => c.Dropout, (c, v) => c with { Dropout = v },
            "Share of an adapter's inputs that is dropped while training.")
        .Add("targets", ModuleTypes.Names, c => c.Targets, (c, v) => c with { Targets = v },
            "Linear layers that have adapters, by default all of every block: a list of names or their ends, "
            + "all-linear, or one regular expression.")
        .Add("use_rslora", Flag, c => c.UseRsLora, (c, v) => c with { UseRsLora = v },
            "Multiplies by alpha / sqrt(rank) instead.")
        .Add("exclude_modules", ModuleTypes.Names, c => c.Excluded, (c, v) => c with { Excluded = v },
            "Layers that get none in any case: a list of names or their ends, or one regular expression.")
        .Add("layers_to_transform", Optional(List(Int(0, 511))), c => c.LayersToTransform,
            (c, v) => c with { LayersToTransform = v }, "Numbers of the layers with adapters; null: all.")
        .Add("layers_pattern", List(Text), c => c.LayersPattern, (c, v) => c with { LayersPattern = v },
            "What stands before the number of such a layer; anything if not given.")
        .Add("rank_pattern", ModuleTypes.Patterns(Int(1, 1 << 14)), c => c.RankPattern,
            (c, v) => c with { RankPattern = v },
            "Other ranks, by regular expressions that names end with; alpha stays what it is at the strategy's rank.")
        .Add("alpha_pattern", ModuleTypes.Patterns(NumberAbove(0, 1e6)), c => c.AlphaPattern,
            (c, v) => c with { AlphaPattern = v }, "Other values of alpha, likewise.")
        .Add("init", Choice<AdapterStart>(), c => c.Init, (c, v) => c with { Init = v },
            "Where non_shared begins each language: fresh, or previous, the language before.")
        .Check(c => c.Ranks.Count == 0 || c.Ranks.Distinct().Count() < c.Ranks.Count
                ? ("ranks", "the list is empty or names a rank twice.")
            : c.Targets is { Pattern: null, Names.Count: 0 }
                ? ("targets", "the list is empty; name at least one linear layer.")
            : null);
}
