using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>Which decoder layers are not trained: groups, or a range of layers.</summary>
public sealed record FreezeConfig
{
    public IReadOnlyList<LayerGroup> Groups { get; init; } = [];

    /// <summary>The first layer of a range; null where groups are named.</summary>
    public int? From { get; init; }

    /// <summary>The last layer of a range, included.</summary>
    public int? To { get; init; }

    /// <summary>Whether only the feed-forward matrices freeze.</summary>
    public bool MlpOnly { get; init; }

    internal static readonly ConfigType<LayerGroup> Group = Choice<LayerGroup>();

    private static readonly Section<FreezeConfig> Full = new Section<FreezeConfig>(new FreezeConfig())
        .Add("groups", List(Group), c => c.Groups, (c, v) => c with { Groups = v },
            "Layer groups: first, middle, last.")
        .Add("from", OptionalValue(Int(0, 511)), c => c.From, (c, v) => c with { From = v },
            "The first layer of a range, counted from 0, instead of groups.")
        .Add("to", OptionalValue(Int(0, 511)), c => c.To, (c, v) => c with { To = v },
            "The last layer of the range, included.")
        .Add("mlp_only", Flag, c => c.MlpOnly, (c, v) => c with { MlpOnly = v },
            "Freezes only the feed-forward matrices of these layers; attention and norms train on.")
        .Check(c => c.From.HasValue != c.To.HasValue ? ("from", "a range has both from and to.")
            : c.From > c.To ? ("to", $"the range ends before layer {c.From}, where it begins.")
            : c.From.HasValue == c.Groups.Count > 0 ? ("groups", "name either groups or a range from and to.")
            : c.Groups.Distinct().Count() < c.Groups.Count ? ("groups", "a group is named twice.")
            : null);

    /// <summary>Read from `middle`, `[first, middle]` or a map; always written as a map.</summary>
    internal static readonly ConfigType<FreezeConfig> Section = new ShortForms<FreezeConfig, LayerGroup>(
        Full, Group, groups => new FreezeConfig { Groups = groups }, "groups");
}
