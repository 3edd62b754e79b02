using FastCpt.Engine.Config;

namespace FastCpt.Engine.Studies.Slots;

/// <summary>What reports call a strategy, as the paper does.</summary>
public static class StrategyTitle
{
    public static string Of(SharingStrategy strategy) => strategy switch
    {
        SharingStrategy.Mono => "MONO",
        SharingStrategy.Multi => "MULTI",
        SharingStrategy.Vanilla => "VANILLA",
        SharingStrategy.Shared => "SHARED",
        SharingStrategy.NonShared => "NON-SHARED",
        SharingStrategy.Fusion => "FUSION",
        _ => "GROUPED",
    };

    /// <param name="rank">Null where whole models are trained.</param>
    public static string Of(SharingStrategy strategy, int? rank) =>
        rank is null ? Of(strategy) : FormattableString.Invariant($"{Of(strategy)} r{rank}");
}
