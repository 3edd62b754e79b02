namespace FastCpt.Engine.Config;

/// <summary>What languages have in common while a sequence of them is learned. lora-sharing.md 1.1 to 1.3.</summary>
public enum SharingStrategy
{
    /// <summary>A whole model of its own for every language.</summary>
    Mono,

    /// <summary>One whole model on all languages at once.</summary>
    Multi,

    /// <summary>One whole model, one language after the other.</summary>
    Vanilla,

    /// <summary>One adapter on a frozen body, one language after the other.</summary>
    Shared,

    /// <summary>An adapter of its own for every language, on a frozen body.</summary>
    NonShared,

    /// <summary>An adapter for every group of languages, on a frozen body. Ours, not the paper's.</summary>
    Grouped,

    /// <summary>For every language a fusion of all languages' bottlenecks, each trained as under
    /// <see cref="NonShared"/> and frozen. Pfeiffer et al. 2021 (AdapterFusion); not of the paper.</summary>
    Fusion,
}
