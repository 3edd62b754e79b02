namespace FastCpt.Kernels;

/// <summary>Conversions of single numbers between float and bfloat16, the upper half of its bits.</summary>
public static class BFloat16
{
    /// <summary>Nearest bfloat16, ties to even; a NaN stays a NaN (it becomes quiet).</summary>
    public static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if ((bits & 0x7FFFFFFF) > 0x7F800000)
            return (ushort)(bits >> 16 | 0x0040);
        return (ushort)(bits + 0x7FFF + (bits >> 16 & 1) >> 16);
    }

    public static float ToSingle(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>A float rounded to what bfloat16 can hold.</summary>
    public static float Round(float value) => ToSingle(FromSingle(value));
}
