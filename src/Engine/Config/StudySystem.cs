namespace FastCpt.Engine.Config;

/// <summary>The systems that a study compares with its base model. family-cpt.md 1.3.</summary>
public enum StudySystem
{
    /// <summary>One model on all families, nothing constrained.</summary>
    Dense,

    /// <summary>One model a family, nothing constrained.</summary>
    Expert,

    /// <summary>Experts that leave layers as they are.</summary>
    Freeze,

    /// <summary>Experts that are pulled toward the base.</summary>
    L2Sp,

    /// <summary>Dense with the middle layers of the base.</summary>
    DenseReverted,

    /// <summary>Experts with the middle layers of the base.</summary>
    ExpertReverted,

    /// <summary>The mean of the experts.</summary>
    Soup,
}
