using FastCpt.Kernels;

namespace FastCpt.Engine;

/// <summary>A value that flows through a model: its tensor, and where the tape keeps its gradient.</summary>
/// <param name="Value">Valid until the tape is cleared, or until its block ends where blocks are recomputed.</param>
/// <param name="Slot">Index of the gradient; −1 for a constant, to which nothing needs to be pushed back.</param>
public readonly record struct Activation(Tensor Value, int Slot)
{
    public bool IsConstant => Slot < 0;

    /// <summary>The same value under another shape of equal length; the gradient is shared.</summary>
    public Activation Reshape(long rows, long cols) => this with { Value = Value.Reshape(new Shape(rows, cols)) };
}
