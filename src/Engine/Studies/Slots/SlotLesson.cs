namespace FastCpt.Engine.Studies.Slots;

/// <summary>What a state has learned: the same lesson is the same state, whatever strategy asks.</summary>
/// <param name="Rank">Of its adapter; null where the whole encoder learns.</param>
/// <param name="Stages">Locales that were learned together, one stage after the other.</param>
internal sealed record SlotLesson(int? Rank, ulong Seed, IReadOnlyList<IReadOnlyList<string>> Stages)
{
    /// <summary>Locales whose bottlenecks are fused, frozen; empty where one adapter or the encoder learns.</summary>
    public IReadOnlyList<string> Fused { get; init; } = [];

    /// <summary>The locales of the last stage.</summary>
    public IReadOnlyList<string> Locales => Stages[^1];

    /// <summary>Names the stages and what is fused; equal for equal ones.</summary>
    public string Chain => string.Join(' ', Stages.Select(stage => string.Join('+', stage)))
        + (Fused.Count > 0 ? $" of {string.Join('+', Fused)}" : "");
}
