namespace FastCpt.Kernels;

/// <summary>Copies of a weight in the order in which a backend's products read it, made by
/// <see cref="Backend.PackWeight"/>; what is none, a product packs for itself each time.</summary>
/// <param name="Forward">For x Wᵀ: F32 of <see cref="Backend.PackedFloats"/> elements, of whatever contents.</param>
/// <param name="Backward">For dy W.</param>
public readonly record struct PackedWeight(Tensor Forward = default, Tensor Backward = default);

/// <summary>What a packed copy of a weight serves.</summary>
public enum WeightSide
{
    /// <summary>x Wᵀ.</summary>
    Forward,

    /// <summary>dy W.</summary>
    Backward,
}
