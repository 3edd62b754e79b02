namespace FastCpt.Engine.Adapters;

/// <summary>Which linear layers get an adapter, and how large and how strong it is; names and defaults are
/// PEFT's.</summary>
public sealed record LoraSettings
{
    /// <summary>The target that stands for every linear layer of the blocks; the output head is none.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>R.</summary>
    public int Rank { get; init; } = 8;

    public double Alpha { get; init; } = 8;

    /// <summary>Scale by alpha / √R. Kalajdzievski 2023, rsLoRA.</summary>
    public bool UseRsLora { get; init; }

    /// <summary>Names of linear layers or their last parts, whole between dots: <c>q_proj</c>,
    /// <c>layers.3.mlp.up_proj</c>; or <see cref="AllLinear"/>.</summary>
    public IReadOnlyList<string> Targets { get; init; } = ["q_proj", "v_proj"];

    public ulong Seed { get; init; }

    /// <summary>What B A is multiplied by.</summary>
    public float Scale => (float)(Alpha / (UseRsLora ? Math.Sqrt(Rank) : Rank));

    public bool Selects(string name) => Targets.Any(target => Matches(target, name));

    internal static bool Matches(string target, string name) =>
        target == AllLinear || name == target
        || (name.Length > target.Length && name[name.Length - target.Length - 1] == '.'
            && name.EndsWith(target, StringComparison.Ordinal));
}
