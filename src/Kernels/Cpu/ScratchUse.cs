namespace FastCpt.Kernels.Cpu;

/// <summary>What an op keeps between its own products; each has memory of its own.</summary>
internal enum ScratchUse
{
    /// <summary>A bias as F32 [N].</summary>
    Bias,

    /// <summary>Sums [M, R] that are yet to be scaled.</summary>
    ThinSums,

    /// <summary>scale · dy B [M, R] of a layer.</summary>
    LowRank,

    /// <summary>The same of a second layer that adds to the same gradient.</summary>
    SecondLowRank,

    /// <summary>Hidden activations of a block of rows.</summary>
    Hidden,

    /// <summary>Logits of a group of rows.</summary>
    Logits,

    /// <summary>Sums of a group's rows.</summary>
    LossRows,

    /// <summary>A group's rows of x.</summary>
    LossInput,

    /// <summary>A group's rows of dx.</summary>
    LossGradient,
}
