using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>How strongly parameters are pulled toward the base model, by layer group.</summary>
public sealed record L2SpConfig
{
    public double First { get; init; } = 0.001;
    public double Middle { get; init; } = 0.05;
    public double Last { get; init; } = 0.001;

    /// <summary>Strength for the embedding and the final norm; the value of First where it is not given.</summary>
    public double? Other { get; init; }

    /// <summary>Every strength is multiplied by this; the paper's formula has 1.</summary>
    public double Multiplier { get; init; } = 1;

    /// <summary>Folder of the weights that pull; null where they are those that training starts from.</summary>
    public string? Anchor { get; init; }

    /// <summary>Whether feed-forward matrices are left out of the penalty.</summary>
    public bool AttentionOnly { get; init; }

    internal static readonly Section<L2SpConfig> Section = new Section<L2SpConfig>(new L2SpConfig())
        .Add("first", Number(0, 1e6), c => c.First, (c, v) => c with { First = v },
            "Lambda of the first layers: the penalty is lambda times the squared distance to the anchor.")
        .Add("middle", Number(0, 1e6), c => c.Middle, (c, v) => c with { Middle = v }, "Lambda of the middle layers.")
        .Add("last", Number(0, 1e6), c => c.Last, (c, v) => c with { Last = v }, "Lambda of the last layers.")
        .Add("other", OptionalValue(Number(0, 1e6)), c => c.Other, (c, v) => c with { Other = v },
            "Lambda of what is in no layer, the embedding and the final norm; the first layers' if not given.")
        .Add("multiplier", Number(0, 1e6), c => c.Multiplier, (c, v) => c with { Multiplier = v },
            "Multiplies every lambda; 1 is the paper's formula.")
        .Add("anchor", Optional(FilePath), c => c.Anchor, (c, v) => c with { Anchor = v },
            "Folder of the weights that pull; those that training starts from if not given.")
        .Add("attention_only", Flag, c => c.AttentionOnly, (c, v) => c with { AttentionOnly = v },
            "Leaves the feed-forward matrices out of the penalty.")
        .Complete(c => c with { Other = c.Other ?? c.First });
}
