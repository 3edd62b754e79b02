using static FastCpt.Engine.Config.ConfigContainers;

namespace FastCpt.Engine.Config;

/// <summary>Related languages: those that an expert is trained on, and relatives that only show transfer.</summary>
public sealed record FamilyConfig
{
    /// <summary>The key that the family stands under.</summary>
    public string Name { get; init; } = "";

    public IReadOnlyList<string> Train { get; init; } = [];
    public IReadOnlyList<string> HeldOut { get; init; } = [];

    internal static readonly Section<FamilyConfig> Section = new Section<FamilyConfig>(new FamilyConfig())
        .Add("train", List(ConfigTypes.Name), c => c.Train, (c, v) => c with { Train = v },
            "Held-in languages: the family's expert is trained on them.", isRequired: true)
        .Add("held_out", List(ConfigTypes.Name), c => c.HeldOut, (c, v) => c with { HeldOut = v },
            "Relatives that nothing is trained on; they are only evaluated.")
        .Check(c => c.Train.Count == 0 ? ("train", "the list is empty; name at least one language.") : null);
}
