using static FastCpt.Engine.Config.ConfigContainers;
using static FastCpt.Engine.Config.ConfigTypes;

namespace FastCpt.Engine.Config;

/// <summary>By what the strategy grouped shares adapters.</summary>
public enum Grouping
{
    Script,
    Family,

    /// <summary>As the study lists.</summary>
    List,
}

/// <summary>Locales that share an adapter.</summary>
public sealed record LocaleGroup
{
    /// <summary>The key that the group stands under.</summary>
    public string Name { get; init; } = "";

    public IReadOnlyList<string> Locales { get; init; } = [];

    internal static readonly Section<LocaleGroup> Section = new Section<LocaleGroup>(new LocaleGroup())
        .Add("locales", List(ConfigTypes.Name), c => c.Locales, (c, v) => c with { Locales = v },
            "The locales that share the group's adapter.", isRequired: true);
}

/// <summary>Which languages share an adapter under the strategy grouped.</summary>
public sealed record GroupingConfig
{
    public Grouping By { get; init; }

    /// <summary>Read with <see cref="Grouping.List"/> alone; each locale in one of them.</summary>
    public IReadOnlyList<LocaleGroup> Groups { get; init; } = [];

    internal static readonly Section<GroupingConfig> Section = new Section<GroupingConfig>(new GroupingConfig())
        .Add("by", Choice<Grouping>(), c => c.By, (c, v) => c with { By = v },
            "script and family are the locale's own; list reads the groups.")
        .Add("groups", Map(LocaleGroup.Section, c => c.Name, (c, name) => c with { Name = name }),
            c => c.Groups, (c, v) => c with { Groups = v }, "Groups by name, each with its locales (by: list).")
        .Check(c => c.By == Grouping.List != c.Groups.Count > 0
            ? ("groups", "groups are given with by: list, and only then.") : null);
}
