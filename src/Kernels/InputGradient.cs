namespace FastCpt.Kernels;

/// <summary>Where a backward pass leaves the gradient of what its op read.</summary>
/// <param name="Value">May be none: no gradient is wanted.</param>
/// <param name="Overwrites">Whether it is overwritten instead of added to: the first gradient of an activation need
/// neither be cleared nor read. The result is that of adding to zeros.</param>
public readonly record struct InputGradient(Tensor Value, bool Overwrites = false)
{
    public bool IsNone => Value.IsNone;

    /// <summary>A gradient that is added to.</summary>
    public static implicit operator InputGradient(Tensor value) => new(value);
}
