using System.Runtime.InteropServices;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Operands of one call of a micro-kernel: output = start + Σ over steps of left · right.</summary>
/// <remarks>A kernel reads this by its offsets, so that one argument in one register is all it takes.</remarks>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct Tile
{
    public const int LeftOffset = 0, RightOffset = 8, StepsOffset = 16, OutputOffset = 24, OutputStrideOffset = 32,
        StartOffset = 40, StartStrideOffset = 48, MaskOffset = 56;

    /// <summary>Packed [steps, rows of a full tile].</summary>
    [FieldOffset(LeftOffset)]
    public float* Left;

    /// <summary>Packed [steps, columns of a full tile].</summary>
    [FieldOffset(RightOffset)]
    public float* Right;

    [FieldOffset(StepsOffset)]
    public long Steps;

    [FieldOffset(OutputOffset)]
    public float* Output;

    /// <summary>Bytes from row to row.</summary>
    [FieldOffset(OutputStrideOffset)]
    public long OutputStride;

    /// <summary>What the sums begin with, or null for 0; may be the output.</summary>
    [FieldOffset(StartOffset)]
    public float* Start;

    /// <summary>Bytes from row to row; 0 where all rows begin with the same.</summary>
    [FieldOffset(StartStrideOffset)]
    public long StartStride;

    /// <summary>One bit per column that exists.</summary>
    [FieldOffset(MaskOffset)]
    public uint Mask;

    /// <summary>Says what the sums begin with.</summary>
    public void StartAt(float* start, long stride)
    {
        Start = start;
        StartStride = stride;
    }
}
