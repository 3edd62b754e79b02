using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>What keeps the weights close to the base model while training.</summary>
public sealed record AlignmentConfig
{
    /// <summary>m, the layers of the group FIRST; null takes 9/34 of the depth.</summary>
    public int? FirstLayers { get; init; }

    /// <summary>n, the layers of the group LAST; null takes 6/34 of the depth.</summary>
    public int? LastLayers { get; init; }

    /// <summary>Null freezes nothing.</summary>
    public FreezeConfig? Freeze { get; init; }

    /// <summary>Null pulls nothing.</summary>
    public L2SpConfig? L2Sp { get; init; }

    internal static readonly Section<AlignmentConfig> Section = Table(new AlignmentConfig());

    /// <summary>The keys, with other defaults: a study freezes and pulls where nothing is said.</summary>
    internal static Section<AlignmentConfig> Table(AlignmentConfig defaults) => new Section<AlignmentConfig>(defaults)
        .Add("first_layers", OptionalValue(Int(0, 512)), c => c.FirstLayers, (c, v) => c with { FirstLayers = v },
            "Layers of the first group (m); 9/34 of the depth, rounded, if not given.")
        .Add("last_layers", OptionalValue(Int(0, 512)), c => c.LastLayers, (c, v) => c with { LastLayers = v },
            "Layers of the last group (n); 6/34 of the depth, rounded, if not given.")
        .Add("freeze", Optional(FreezeConfig.Section), c => c.Freeze, (c, v) => c with { Freeze = v },
            "Layers that are not trained: middle, a list of groups, or a range {from: 5, to: 10}; null: none.")
        .Add("l2_sp", Optional(L2SpConfig.Section), c => c.L2Sp, (c, v) => c with { L2Sp = v },
            "Pulls the weights toward those of the base model; null: no pull.");
}
