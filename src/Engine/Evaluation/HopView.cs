namespace FastCpt.Engine.Evaluation;

/// <summary>Three readings of multi-hop transfer; which one the study's authors computed is not known.</summary>
public enum HopView
{
    /// <summary>How a language fares over all the steps after or before its own.</summary>
    Receiver,

    /// <summary>What learning a language does to the others, that one step alone.</summary>
    Donor,

    /// <summary>What k further steps do, by k.</summary>
    Distance,
}
