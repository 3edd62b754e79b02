namespace FastCpt.Engine.Alignment;

/// <summary>What becomes of a head that is the embedding, where an adapter changes one of the two.</summary>
public enum TiedHead
{
    /// <summary>Nothing is merged.</summary>
    Refuse,

    /// <summary>The head becomes a tensor of its own; the embedding stays as the adapter has it.</summary>
    Untie,

    /// <summary>Both change together, which is another model than the one that was trained.</summary>
    Shared,
}
