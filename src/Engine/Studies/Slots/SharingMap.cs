using FastCpt.Engine.Config;
using FastCpt.Engine.Data.Massive;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>Which language learns with which adapter: the one thing in which strategies of adapters differ.</summary>
/// <remarks>SHARED is the constant map, NON-SHARED the identity; lora-sharing.md 1.3.</remarks>
internal static class SharingMap
{
    public static Func<string, string> Of(SharingStrategy strategy, GroupingConfig grouping) => strategy switch
    {
        SharingStrategy.NonShared or SharingStrategy.Mono => locale => locale,
        SharingStrategy.Grouped => grouping.By switch
        {
            Grouping.Script => locale => MassiveLocale.Of(locale).Script,
            Grouping.Family => locale => MassiveLocale.Of(locale).Family,
            _ => locale => grouping.Groups.First(group => group.Locales.Contains(locale)).Name,
        },
        _ => _ => "all",
    };
}
