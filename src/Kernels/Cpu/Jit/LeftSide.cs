namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>How the left side of a tile lies in memory.</summary>
internal enum LeftSide
{
    /// <summary>A panel [steps, rows of a full tile].</summary>
    Packed,

    /// <summary>Rows of steps, <see cref="Tile.LeftStride"/> bytes apart.</summary>
    InRows,

    /// <summary>Steps of rows, <see cref="MicroKernels.AcrossFloats"/> apart: another product's rows, turned.</summary>
    Across,
}
