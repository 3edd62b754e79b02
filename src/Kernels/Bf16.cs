namespace FastCpt.Kernels;

/// <summary>The 16-bit brain floating-point format: the upper half of a float32.</summary>
/// <remarks>Rounding is to nearest, ties to even; a NaN stays a NaN, whatever its lower half holds.</remarks>
public static class Bf16
{
    private const uint QuietBit = 0x0040;

    public static float ToSingle(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << 16);

    public static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)(bits >> 16 | QuietBit);
        uint lastKept = bits >> 16 & 1;
        return (ushort)((bits + 0x7FFF + lastKept) >> 16);
    }

    /// <summary>Rounds once: not to float32 first, which could turn a number just off a tie into the tie.</summary>
    public static ushort FromDouble(double value)
    {
        float near = (float)value;
        if (near == value || double.IsNaN(value))
            return FromSingle(near);
        // Toward zero, then the last bit stands for all that is cut off ("round to odd", Boldo and Melquiond 2008).
        uint bits = BitConverter.SingleToUInt32Bits(near);
        if (Math.Abs((double)near) > Math.Abs(value))
            bits--;
        return FromSingle(BitConverter.UInt32BitsToSingle(bits | 1));
    }
}
