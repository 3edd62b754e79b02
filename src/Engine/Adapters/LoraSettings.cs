using FastCpt.Engine.Config;

namespace FastCpt.Engine.Adapters;

/// <summary>Which linear layers get an adapter, and how large and how strong it is; names and defaults are
/// PEFT's.</summary>
/// <remarks><see cref="LoraTargets"/> says what the names and patterns select.</remarks>
public sealed record LoraSettings
{
    /// <summary>The target that stands for every linear layer of the blocks; the output head is none.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>R.</summary>
    public int Rank { get; init; } = 8;

    public double Alpha { get; init; } = 8;

    /// <summary>Scale by alpha / √R. Kalajdzievski 2023, rsLoRA.</summary>
    public bool UseRsLora { get; init; }

    /// <summary>Share of an adapter's inputs that are left out while training.</summary>
    public double Dropout { get; init; }

    /// <summary>Names of linear layers or their last parts, whole between dots: <c>q_proj</c>,
    /// <c>layers.3.mlp.up_proj</c>; or <see cref="AllLinear"/>.</summary>
    public IReadOnlyList<string> Targets { get; init; } = ["q_proj", "v_proj"];

    /// <summary>A regular expression that whole names match; where there is one, it stands for the targets.</summary>
    public string? TargetPattern { get; init; }

    /// <summary>Names, or their last parts, that get no adapter whatever the targets say.</summary>
    public IReadOnlyList<string> ExcludedModules { get; init; } = [];

    /// <summary>A regular expression in place of <see cref="ExcludedModules"/>.</summary>
    public string? ExcludedPattern { get; init; }

    /// <summary>Layers that targets are looked for in; null for all.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary>What stands before the number of such a layer; where there is none, anything may.</summary>
    public IReadOnlyList<string> LayersPattern { get; init; } = [];

    /// <summary>Other ranks, by regular expressions that names end with; the first that matches counts.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <summary>Other alphas, likewise.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    /// <summary>Modules that are trained and stored whole, as heads are; they get no adapter.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    public ulong Seed { get; init; }

    /// <summary>The settings of a run.</summary>
    public static LoraSettings Of(AdapterConfig config, ulong seed) => new()
    {
        Rank = config.Rank,
        Alpha = config.Alpha,
        UseRsLora = config.UseRsLora,
        Dropout = config.Dropout,
        Targets = config.Targets.Names,
        TargetPattern = config.Targets.Pattern,
        ExcludedModules = config.Excluded.Names,
        ExcludedPattern = config.Excluded.Pattern,
        LayersToTransform = config.LayersToTransform,
        LayersPattern = config.LayersPattern,
        RankPattern = config.RankPattern,
        AlphaPattern = config.AlphaPattern,
        Seed = seed,
    };

    /// <summary>What B A is multiplied by where no pattern says otherwise.</summary>
    public float Scale => ScaleOf(Rank, Alpha);

    /// <summary>What B A is multiplied by.</summary>
    internal float ScaleOf(int rank, double alpha) => (float)(alpha / (UseRsLora ? Math.Sqrt(rank) : rank));

    public bool Selects(string name) => new LoraTargets(this).Selects(name);
}
