namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>The innermost part of a product: a tile of the output, all its sums in registers.</summary>
/// <remarks>
/// Every output element is one chain of fused multiply-adds over the steps in order, so results do not depend on the
/// tile. A kernel for pairs takes two BF16 values per step and element and adds them in the order that the
/// instruction has: the second, then the first.
/// </remarks>
internal abstract unsafe class MicroKernels(int rows, int cols)
{
    /// <summary>From step to step of a left side that is <see cref="LeftSide.Across"/>: 128 rows, and so many more
    /// that neighbouring steps do not meet in the nearest cache.</summary>
    public const int AcrossFloats = 128 + 16;

    /// <summary>Rows of a full tile, and of a packed left panel.</summary>
    public int Rows => rows;

    /// <summary>Columns of a full tile, and of a packed right panel.</summary>
    public int Cols => cols;

    /// <summary>
    /// Whether tiles of fewer columns are written in place; else the caller gives a full tile of memory.
    /// </summary>
    public abstract bool MasksColumns { get; }

    /// <summary>Computes the first rows of a tile.</summary>
    /// <param name="rowCount">1 to <see cref="Rows"/>.</param>
    /// <param name="colCount">1 to <see cref="Cols"/>; columns beyond are not stored where they can be masked.</param>
    public abstract void Multiply(int rowCount, int colCount, Tile* tile);
}
