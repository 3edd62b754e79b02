using System.Runtime.InteropServices;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Operands of one call of a thin kernel, which reads this by its offsets.</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct ThinTile
{
    public const int LeftOffset = 0, LeftStrideOffset = 8, RightOffset = 16, RightStrideOffset = 24, StepsOffset = 32,
        OutputOffset = 40, OutputStrideOffset = 48, MaskOffset = 56, AddsOffset = 60;

    /// <summary>By rows: the first row, its steps side by side. By columns: packed, the tile's rows side by side.
    /// </summary>
    [FieldOffset(LeftOffset)]
    public void* Left;

    /// <summary>Bytes from row to row, or, by columns, from step to step.</summary>
    [FieldOffset(LeftStrideOffset)]
    public long LeftStride;

    /// <summary>By rows: packed, the tile's columns side by side. By columns: the first place's, as they lie.
    /// </summary>
    [FieldOffset(RightOffset)]
    public void* Right;

    /// <summary>By columns: bytes from place to place.</summary>
    [FieldOffset(RightStrideOffset)]
    public long RightStride;

    /// <summary>Places, or pairs of them.</summary>
    [FieldOffset(StepsOffset)]
    public long Steps;

    [FieldOffset(OutputOffset)]
    public float* Output;

    /// <summary>Bytes from row to row.</summary>
    [FieldOffset(OutputStrideOffset)]
    public long OutputStride;

    /// <summary>By columns: one bit per column that exists; kernels for whole tiles do not look.</summary>
    [FieldOffset(MaskOffset)]
    public uint Mask;

    /// <summary>By columns: whether sums begin with the output; else with 0. Not 0: true.</summary>
    [FieldOffset(AddsOffset)]
    public int Adds;
}
