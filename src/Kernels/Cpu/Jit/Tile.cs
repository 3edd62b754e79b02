using System.Runtime.InteropServices;

namespace FastCpt.Kernels.Cpu.Jit;

/// <summary>Operands of one call of a micro-kernel: output = base + Σ over steps of left · right.</summary>
/// <remarks>A kernel reads this by its offsets, so that one argument in one register is all it takes.</remarks>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct Tile
{
    public const int LeftOffset = 0, RightOffset = 8, StepsOffset = 16, OutputOffset = 24, OutputStrideOffset = 32,
        BaseOffset = 40, BaseStrideOffset = 48, MaskOffset = 56, AddsLastOffset = 60, LeftStrideOffset = 64,
        BiasOffset = 72, BaseIsBrainOffset = 80, OutputIsBrainOffset = 84, GoesDownOffset = 88;

    /// <summary>[steps, rows of a full tile], or as the kernels' <see cref="LeftSide"/> says.</summary>
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

    /// <summary>What else is added, or null for nothing; may be the output.</summary>
    [FieldOffset(BaseOffset)]
    public float* Base;

    /// <summary>Bytes from row to row; 0 where the same is added to all rows.</summary>
    [FieldOffset(BaseStrideOffset)]
    public long BaseStride;

    /// <summary>One bit per column that exists.</summary>
    [FieldOffset(MaskOffset)]
    public uint Mask;

    /// <summary>
    /// Whether sums begin with 0 and the base is added last; else they begin with the base. Not 0: true.
    /// </summary>
    [FieldOffset(AddsLastOffset)]
    public int AddsLast;

    /// <summary>Bytes from row to row of a left side that lies in rows.</summary>
    [FieldOffset(LeftStrideOffset)]
    public long LeftStride;

    /// <summary>What else is added to a BF16 base, the same to all rows, or null for nothing.</summary>
    [FieldOffset(BiasOffset)]
    public float* Bias;

    /// <summary>Whether the base is BF16, which a kernel of pairs alone takes and which does not come last. Not 0:
    /// true.</summary>
    [FieldOffset(BaseIsBrainOffset)]
    public int BaseIsBrain;

    /// <summary>Whether sums are rounded to a BF16 output, which a kernel of pairs alone does. Not 0: true.</summary>
    [FieldOffset(OutputIsBrainOffset)]
    public int OutputIsBrain;

    /// <summary>Whether the tile below comes next, whose output is then asked for. Not 0: true.</summary>
    [FieldOffset(GoesDownOffset)]
    public int GoesDown;

    public void SetBase(float* start, long stride)
    {
        Base = start;
        BaseStride = stride;
        Bias = null;
        BaseIsBrain = 0;
    }

    public void SetBrainBase(void* start, long stride, float* bias)
    {
        SetBase((float*)start, stride);
        Bias = bias;
        BaseIsBrain = 1;
    }

    public void SetOutputType(bool isBrain, long stride)
    {
        OutputIsBrain = isBrain ? 1 : 0;
        OutputStride = stride;
    }

    /// <summary>Takes the place of a tile in a part: rows and columns from the part's first.</summary>
    /// <param name="output">The part's first place.</param>
    public void MoveTo(long row, long col, byte* output)
    {
        Output = (float*)(output + row * OutputStride + col * (OutputIsBrain != 0 ? sizeof(ushort) : sizeof(float)));
        if (Base != null)
            Base = (float*)(
                (byte*)Base + row * BaseStride + col * (BaseIsBrain != 0 ? sizeof(ushort) : sizeof(float)));
        if (Bias != null)
            Bias += col;
    }
}
