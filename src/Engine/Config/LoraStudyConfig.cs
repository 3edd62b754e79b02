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

    /// <summary>Names of linear layers, or their last parts.</summary>
    public IReadOnlyList<string> Targets { get; init; } = ["query", "key", "value", "dense"];

    public AdapterStart Init { get; init; }

    internal static readonly Section<LoraStudyConfig> Section = new Section<LoraStudyConfig>(new LoraStudyConfig())
        .Add("ranks", List(Int(1, 1 << 14)), c => c.Ranks, (c, v) => c with { Ranks = v },
            "Every strategy with adapters is run at each rank.")
        .Add("alpha", OptionalValue(NumberAbove(0, 1e6)), c => c.Alpha, (c, v) => c with { Alpha = v },
            "B A is multiplied by alpha / rank; null: alpha is the rank.")
        .Add("dropout", Number(0, 0.99), c => c.Dropout, (c, v) => c with { Dropout = v },
            "Share of an adapter's inputs that is dropped while training.")
        .Add("targets", List(Text), c => c.Targets, (c, v) => c with { Targets = v },
            "Linear layers that have adapters: names, or what names end with; by default all of every block.")
        .Add("init", Choice<AdapterStart>(), c => c.Init, (c, v) => c with { Init = v },
            "Where non_shared begins each language: fresh, or previous, the language before.")
        .Check(c => c.Ranks.Count == 0 || c.Ranks.Distinct().Count() < c.Ranks.Count
                ? ("ranks", "the list is empty or names a rank twice.")
            : c.Targets.Count == 0 ? ("targets", "the list is empty; name at least one linear layer.")
            : null);
}
