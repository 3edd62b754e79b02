using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>Related languages: those that an expert is trained on, and relatives that only show transfer.</summary>
public sealed record FamilyConfig
{
    /// <summary>The key that the family stands under.</summary>
    public string Name { get; init; } = "";

    public IReadOnlyList<string> Train { get; init; } = [];
    public IReadOnlyList<string> HeldOut { get; init; } = [];

    /// <summary>Of the family's training text; each of its languages has an equal share. 0: none of its own.</summary>
    public long BudgetTokens { get; init; }

    internal static readonly Section<FamilyConfig> Section = new Section<FamilyConfig>(new FamilyConfig())
        .Add("train", List(ConfigTypes.Name), c => c.Train, (c, v) => c with { Train = v },
            "Held-in languages: the family's expert is trained on them.", isRequired: true)
        .Add("held_out", List(ConfigTypes.Name), c => c.HeldOut, (c, v) => c with { HeldOut = v },
            "Relatives that nothing is trained on; they are only evaluated.")
        .Add("budget_tokens", Long(0), c => c.BudgetTokens, (c, v) => c with { BudgetTokens = v },
            "Tokens of training text of the whole family, shared equally by its languages; 0: as data says.")
        .Check(c => c.Train.Count == 0 ? ("train", "the list is empty; name at least one language.") : null);
}
